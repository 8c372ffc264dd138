"""Models of the stand-in that fail, whichever API they are asked through."""

import re

from tests.clients.exchange import Asked, Memory, Refusal, Reply
from tests.clients.invention import token

SLOW_SECONDS = 1.5
_HANG_SECONDS = 3600.0
_RETRY_AFTER_SECONDS = "1"

# each is also to be had with "claude-" before it
NAMES = (
    *("err-400", "err-401", "err-403", "err-429", "err-429-after", "err-500", "err-503", "err-529"),
    *("flaky", "hang", "slow", "cut"),
)


def base_name(model: object) -> str:
    """The fault that a model's name asks for, or ""."""
    name = str(model).removeprefix("claude-")
    return name if name in NAMES else ""


def of(asked: Asked, memory: Memory) -> str | Reply:
    """The fault to be applied to the answer. Raises Refusal when the answer is an error."""
    name = base_name(asked.body.get("model"))
    if match := re.fullmatch(r"err-(\d+)(-after)?", name):
        raise Refusal(
            int(match[1]),
            f"The stand-in was told to say {match[1]}",
            retry_after=_RETRY_AFTER_SECONDS if match[2] else "",
        )
    if name == "flaky":
        _fail_once(asked, memory)
    return Reply(document={}, delay_seconds=_HANG_SECONDS) if name == "hang" else name


def apply(name: str, reply: Reply) -> Reply:
    reply.is_cut = name == "cut"
    reply.delay_seconds = SLOW_SECONDS if name == "slow" else 0.0
    return reply


def _fail_once(asked: Asked, memory: Memory) -> None:
    """The first call of each body fails, the same again is answered."""
    seen = token(asked.path, asked.raw.decode(errors="replace"))
    if seen not in memory.flaky:
        memory.flaky.add(seen)
        raise Refusal(503, "The stand-in is overloaded this once")
