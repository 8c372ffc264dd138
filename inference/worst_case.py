"""What a call may use at most, so that it can be held against a budget before it is made."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from acron_site.lib.money import ZERO
from inference.catalog import Model
from inference.domain import Ask, Format
from inference.prices import STANDARD, PriceSheet, Rates
from inference.routing.needs import needs_of

# the limit of an answer where there is a budget and the caller sets none: it is sent along, so that it holds
OUTPUT_TOKENS = 4096
# what one picture has cost at most so far (gpt-4o-mini, high detail), rounded up
_TOKENS_PER_PICTURE = 50_000
_TOKENS_PER_FILE = 1_000_000  # where the model's context is not known
_SEARCHES = 10
# what a format calls the limit of an answer, where it may be left out
_LIMIT_FIELDS = {Format.CHAT: "max_tokens", Format.RESPONSES: "max_output_tokens"}
_ORDINARY_TIERS = frozenset({"default", "standard", "standard_only", "flex", "batch"})
_ONE = Decimal(1)


def limited(ask: Ask, model: Model) -> Ask:
    """The same ask with a limit to its answer. The answer stays the same, or ends with `length` and is not kept."""
    if _limit(ask.sketch) is not None:
        return ask
    most = min(OUTPUT_TOKENS, model.max_output_tokens or OUTPUT_TOKENS)
    field = _LIMIT_FIELDS.get(ask.format)
    if field is None:
        return ask
    sketched = None if ask.sketched is None else {**ask.sketched, "max_tokens": most}
    return replace(ask, body={**ask.body, field: most}, sketched=sketched)


def tokens(ask: Ask) -> int:
    """For a limit per minute: about the prompt, and the whole answer that the caller allows."""
    needs = needs_of(ask.sketch)
    return needs.input_tokens + needs.output_tokens * _answers(ask.sketch)


def cost(ask: Ask, model: Model, *, sent_bytes: int) -> Decimal | None:
    """Of a limited ask that is `sent_bytes` long as it goes to the provider; None when a price is not known.

    No text has more tokens than bytes. Every discount is left out.
    """
    prompt_tokens = sent_bytes + sum(_attached_tokens(ask.sketch, model))
    answer_tokens = _most_answered(ask)
    rates = list(_possible_rates(ask.sketch, model.prices, prompt_tokens))
    into = _dearest(rates, "input", "cache_write", "cache_write_long", "input_audio")
    out = _dearest(rates, "output", "output_audio") if answer_tokens else ZERO
    if into is None or out is None:
        return None
    amount = (prompt_tokens * into + answer_tokens * out) * _surcharge(ask.sketch, model.prices)
    return amount + _SEARCHES * model.prices.per_call.get("web_search", Decimal(0)) * _may_search(ask.sketch)


def _most_answered(ask: Ask) -> int:
    """Vectors are no tokens, and have no price."""
    if ask.format is Format.EMBEDDINGS:
        return 0
    return (_limit(ask.sketch) or OUTPUT_TOKENS) * _answers(ask.sketch) + _predicted_tokens(ask.sketch)


def _limit(body: Mapping[str, Any]) -> int | None:
    """The higher one where both are given: which of them holds is the provider's to decide."""
    given = [body.get(name) for name in ("max_tokens", "max_completion_tokens")]
    return max((limit for limit in given if isinstance(limit, int)), default=None)


def _answers(body: Mapping[str, Any]) -> int:
    count = body.get("n")
    return count if isinstance(count, int) and count > 0 else 1


def _predicted_tokens(body: Mapping[str, Any]) -> int:
    """Rejected tokens of a prediction are billed as answer."""
    prediction = body.get("prediction")
    return len(str(prediction).encode()) if prediction else 0


def _attached_tokens(body: Mapping[str, Any], model: Model) -> Iterator[int]:
    """What bytes say nothing of: a picture or a file may be named by its address, a conversation by its id."""
    if body.get("unseen_input"):
        yield model.context_window or _TOKENS_PER_FILE
    for message in body.get("messages", ()):
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part["type"] == "image_url":
                yield _TOKENS_PER_PICTURE
            elif part["type"] == "file":
                yield model.context_window or _TOKENS_PER_FILE


def _possible_rates(body: Mapping[str, Any], prices: PriceSheet, prompt_tokens: int) -> Iterator[Rates]:
    """The standard ones, and with a tier that is named those of every tier: the provider decides which it was."""
    asked = body.get("service_tier")
    is_ordinary = asked is None or (isinstance(asked, str) and asked in _ORDINARY_TIERS)
    tiers = [STANDARD] if is_ordinary else list(prices.rates)
    for tier in tiers:
        yield prices.rates_for(tier, prompt_tokens)


def _dearest(rates: Iterable[Rates], *buckets: str) -> Decimal | None:
    """The highest rate of these buckets; None where the first of them, the plain one, has no price."""
    if any(getattr(rate, buckets[0]) is None for rate in rates):
        return None
    priced = (getattr(rate, bucket) for rate in rates for bucket in buckets)
    return max((rate for rate in priced if rate is not None), default=None)


def _surcharge(body: Mapping[str, Any], prices: PriceSheet) -> Decimal:
    speed = max(prices.speeds.values(), default=_ONE) if body.get("speed") else _ONE
    return max(speed, _ONE) * max(prices.geographies.values(), default=_ONE)


def _may_search(body: Mapping[str, Any]) -> bool:
    tools = body.get("tools")
    named = (str(tool.get("type")) for tool in tools if isinstance(tool, dict)) if isinstance(tools, list) else ()
    return "web_search_options" in body or any("search" in name for name in named)
