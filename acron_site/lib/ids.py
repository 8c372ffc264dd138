"""Identifiers: time-ordered UUIDs for rows, request ids for people."""

import os
import random
import re
import time
import uuid

# what a caller may hand in as x-request-id: safe in a header, a log line and a URL
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")

# ids are unique, not secret. The system's generator is a call into the kernel that lets another thread run: under
# load that costs 30 us an id, this costs 0.3. Seeded by the system at start and again in a forked child.
_generator = random.Random()  # noqa: S311 - see above
os.register_at_fork(after_in_child=_generator.seed)


def uuid7() -> uuid.UUID:
    """A UUID that sorts by creation time (RFC 9562, version 7), so that indexes grow at their end."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | _generator.getrandbits(12) << 64 | 0b10 << 62 | _generator.getrandbits(62)
    return uuid.UUID(int=value)


def new_request_id() -> str:
    return f"req_{_generator.getrandbits(96):024x}"


def is_request_id(text: str) -> bool:
    return _REQUEST_ID.match(text) is not None
