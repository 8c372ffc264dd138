"""What can be wrong with a provider: each fault as a way to answer, or not to."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.faults import answers
from tests.faults.answers import Line

RETRY_AFTER_SECONDS = "7"  # longer than callers are kept waiting
_PREFIX = "sick-"
_LATE_SECONDS = 0.5
_FOREVER_SECONDS = 60.0
_DRIP_SECONDS = 0.2
_MOMENT_SECONDS = 0.1  # long enough for what was sent to arrive first

Fault = Callable[[dict[str, Any], Line], Awaitable[None]]


def fault_of(asked: dict[str, Any]) -> Fault | None:
    """What the model's name says after `sick-`, or the caller's after `!`."""
    model = str(asked["model"])
    if model.startswith(_PREFIX):
        return FAULTS[model.removeprefix(_PREFIX)]
    _, mark, wish = answers.name_of(asked).rpartition("!")
    return FAULTS[wish] if mark else None


def _refusing(status: int, *, retry_after: str = "", after_seconds: float = 0.0) -> Fault:
    async def refuse(_: dict[str, Any], line: Line) -> None:
        if after_seconds:
            await line.pause(after_seconds)
        error = {"message": f"the stand-in says {status}", "type": "invented", "param": None, "code": None}
        line.send_whole({"error": error}, status=status, retry_after=retry_after)

    return refuse


def _saying(body: bytes, kind: str = "application/json") -> Fault:
    async def say(_: dict[str, Any], line: Line) -> None:
        line.send_bytes(body, kind=kind)

    return say


async def _hang(_: dict[str, Any], line: Line) -> None:
    await line.pause(_FOREVER_SECONDS)


async def _truncate(asked: dict[str, Any], line: Line) -> None:
    """Announces more than comes."""
    if asked.get("stream"):
        line.send_bytes(_first_events(asked), kind="text/event-stream", missing=500)
    else:
        line.send_bytes(_half(asked), missing=500)
    await line.pause(_MOMENT_SECONDS)
    line.close()


async def _break_off(asked: dict[str, Any], line: Line) -> None:
    """Ends in good order, in the middle."""
    if not asked.get("stream"):
        line.send_bytes(_half(asked))
        return
    _begin(asked, line)
    line.end_stream(b"")


async def _lie(asked: dict[str, Any], line: Line) -> None:
    """Says `[DONE]` after half a stream, as some proxies do."""
    if not asked.get("stream"):
        line.send_bytes(_half(asked))
        return
    _begin(asked, line)
    line.end_stream()


async def _drip(asked: dict[str, Any], line: Line) -> None:
    """A little at a time, without end."""
    is_stream = asked.get("stream")
    if is_stream:
        _begin(asked, line)
    else:
        line.send_bytes(b" ", missing=10_000)
    while True:
        await line.pause(_DRIP_SECONDS)
        if is_stream:
            line.send_event(answers.chunk(asked, {"content": "drop "}))
        else:
            line.send_raw(b" ")


async def _stall(asked: dict[str, Any], line: Line) -> None:
    if asked.get("stream"):
        _begin(asked, line)
    else:
        line.send_bytes(_half(asked), missing=500)
    await line.pause(_FOREVER_SECONDS)


async def _reset_before(_: dict[str, Any], line: Line) -> None:
    line.reset()


async def _reset_after(asked: dict[str, Any], line: Line) -> None:
    if asked.get("stream"):
        _begin(asked, line)
    else:
        line.send_bytes(_half(asked), missing=500)
    await line.pause(_MOMENT_SECONDS)
    line.reset()


async def _close(asked: dict[str, Any], line: Line) -> None:
    """A right answer, and then the connection is gone although nothing had said so."""
    await answers.answer(asked, line)
    line.close()


def _begin(asked: dict[str, Any], line: Line) -> None:
    line.begin_stream()
    line.send_event(answers.opening(asked))
    line.send_event(answers.chunk(asked, {"content": answers.WORDS[0] + " "}))


def _first_events(asked: dict[str, Any]) -> bytes:
    first, second = answers.opening(asked), answers.chunk(asked, {"content": answers.WORDS[0] + " "})
    return answers.event(first) + answers.event(second)


def _half(asked: dict[str, Any]) -> bytes:
    body = json.dumps(answers.completion(asked)).encode()
    return body[: len(body) // 2]


FAULTS: dict[str, Fault] = {
    "500": _refusing(500),
    "503": _refusing(503),
    "503-later": _refusing(503, retry_after=RETRY_AFTER_SECONDS),
    "429": _refusing(429),
    "429-later": _refusing(429, retry_after=RETRY_AFTER_SECONDS),
    "400": _refusing(400),
    "401": _refusing(401),
    "404": _refusing(404),
    "late-500": _refusing(500, after_seconds=_LATE_SECONDS),
    "hang": _hang,
    "garbage": _saying(b"\x00\xff\x17 no answer at all"),
    "empty": _saying(b""),
    "html": _saying(b"<html><body>Welcome!</body></html>", "text/html"),
    "truncated": _truncate,
    "half": _break_off,
    "lie": _lie,
    "drip": _drip,
    "stalled": _stall,
    "reset-before": _reset_before,
    "reset-after": _reset_after,
    "closing": _close,
}
MODELS = tuple(f"{_PREFIX}{name}" for name in FAULTS)
