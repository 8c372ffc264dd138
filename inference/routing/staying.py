"""Whether the next turn of a conversation stays with the model that answered before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analytics.events import TokenCounts
from inference import pricing
from inference.catalog import Model
from inference.domain import Ask, Usage
from inference.routing.needs import Needs, estimate_tokens

# under this name an ask carries who answered its conversation before
EARLIER = "earlier"
REASON = "stays with {}, which answered before"

# no provider keeps the beginning of a shorter prompt
_LEAST_KEPT_TOKENS = 1024
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning"})


@dataclass(frozen=True, slots=True)
class Earlier:
    """`is_warm`: so lately that the provider's prompt cache may still hold what was said."""

    model: str
    is_warm: bool


def answered_before(ask: Ask) -> bool:
    """Whether it is a later turn, whose earlier ones it tells again."""
    return any(message.get("role") == "assistant" for message in ask.sketch.get("messages") or ())


def holds_thoughts(ask: Ask) -> bool:
    """Whether it brings along what a model thought in earlier turns, which no other model can take up."""
    told = ask.body.get("messages") or ask.body.get("input") or ()
    return any(_is_thought(item) for item in told if isinstance(item, dict)) if isinstance(told, list) else False


def pays(ask: Ask, former: Model, chosen: Model, *, needs: Needs, is_warm: bool) -> bool:
    """Whether staying costs no more than moving, which pays the whole prompt anew."""
    known = min(_known_tokens(ask), needs.input_tokens) if is_warm else 0
    tokens = TokenCounts(input=needs.input_tokens - known, cache_read=known, output=needs.output_tokens)
    staying = pricing.cost(Usage(tokens), former.prices).amount
    moving = pricing.estimate_cost(chosen, needs.input_tokens, needs.output_tokens)
    return staying is not None and moving is not None and staying <= moving


def _known_tokens(ask: Ask) -> int:
    """Of what the former model was asked last."""
    messages = list(ask.sketch["messages"])
    last = max(at for at, message in enumerate(messages) if message.get("role") == "assistant")
    tokens = estimate_tokens({"messages": messages[:last]})
    return tokens if tokens >= _LEAST_KEPT_TOKENS else 0


def _is_thought(item: Mapping[str, Any]) -> bool:
    return item.get("type") in _THOUGHTS or bool(item.get("thinking_blocks")) or any(_thoughts(item.get("content")))


def _thoughts(content: Any) -> Iterator[Any]:
    if isinstance(content, list):
        yield from (part for part in content if isinstance(part, dict) and part.get("type") in _THOUGHTS)
