"""Leaves out the oldest turns of a conversation that is over its budget."""

from collections.abc import Mapping, Sequence
from typing import Any

from inference.routing.needs import estimate_tokens

_INSTRUCTIONS = frozenset({"system", "developer"})
# the newest exchanges always stay, the current one among them
_KEPT_EXCHANGES = 2

Message = Mapping[str, Any]


def within(messages: Sequence[Message], budget_tokens: int) -> list[Message]:
    """Whole exchanges go, the oldest first; never the first one, which states the task, nor what the system says.

    An exchange is a turn of the user with all that follows it, so calls of tools and their results go together.
    """
    tokens = estimate_tokens({"messages": messages})
    exchanges = _exchanges(messages)
    gone: set[int] = set()
    for exchange in exchanges[1 : max(1, len(exchanges) - _KEPT_EXCHANGES)]:
        if tokens <= budget_tokens:
            break
        left = [index for index in exchange if messages[index].get("role") not in _INSTRUCTIONS]
        gone.update(left)
        tokens -= estimate_tokens({"messages": [messages[index] for index in left]}) - 1
    return [message for index, message in enumerate(messages) if index not in gone]


def _exchanges(messages: Sequence[Message]) -> list[list[int]]:
    """The places of their messages. What comes before the user's first turn belongs to none."""
    found: list[list[int]] = []
    for index, message in enumerate(messages):
        if message.get("role") == "user":
            found.append([])
        if found:
            found[-1].append(index)
    return found
