"""Cuts a provider's bytes into server-sent events, without changing one of them."""

import re

# between two events stands an empty line, written with LF or CRLF
_BOUNDARY = re.compile(rb"\n\r?\n")
_LONGEST_BOUNDARY = 3


class EventSplitter:
    """Holds back the torn end of a stream, and nothing else."""

    def __init__(self) -> None:
        self._tail = bytearray()

    @property
    def held_bytes(self) -> int:
        return len(self._tail)

    def push(self, chunk: bytes) -> bytes:
        """The events completed by `chunk`, as they came; `b""` if there are none."""
        if not self._tail and chunk.endswith(b"\n\n"):
            return chunk
        searched = max(len(self._tail) - _LONGEST_BOUNDARY + 1, 0)
        self._tail += chunk
        end = _last_boundary(self._tail, searched)
        complete = bytes(self._tail[:end])
        del self._tail[:end]
        return complete


def split(block: bytes) -> list[bytes]:
    """Single events of a block of complete ones; joined they are the block again."""
    ends = [match.end() for match in _BOUNDARY.finditer(block)]
    return [block[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def payload(event: bytes) -> bytes:
    """What follows `data:` in an event; `b""` for a comment or an event without data."""
    text = event.rstrip()
    if text.startswith(b"data:") and b"\n" not in text:
        return text[5:].lstrip()
    lines = [line[5:].removeprefix(b" ") for line in text.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines)


def _last_boundary(text: bytearray, start: int) -> int:
    """The end of the last boundary at or after `start`, or 0."""
    plain, windows = text.rfind(b"\n\n", start), text.rfind(b"\n\r\n", start)
    return max(plain + 2 if plain >= 0 else 0, windows + 3 if windows >= 0 else 0)
