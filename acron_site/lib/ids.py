"""Identifiers: time-ordered UUIDs for rows, request ids for people."""

import os
import re
import time
import uuid

# what a caller may hand in as x-request-id: safe in a header, a log line and a URL
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")


def uuid7() -> uuid.UUID:
    """A UUID that sorts by creation time (RFC 9562, version 7), so that indexes grow at their end."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return uuid.UUID(int=value)


def new_request_id() -> str:
    return "req_" + uuid7().hex


def is_request_id(text: str) -> bool:
    return _REQUEST_ID.match(text) is not None
