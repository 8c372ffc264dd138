"""The models as callers see them: OpenAI's listing with prices and availability added."""

from decimal import Decimal
from typing import Any

import orjson

from acron_site.lib import money
from inference import pricing
from inference.catalog import Catalog, Model
from inference.domain import Format

_MILLION = 1_000_000
# a date for clients that insist on one: when the prices of the catalogue were gathered matters, not this
_CREATED = 0
_SERVED = frozenset(kind for spoken in Format for kind in spoken.kinds)
_AUTOMATIC = ("auto", "acron-auto", "acron-guided")


def listing(catalog: Catalog, allowed: frozenset[str] = frozenset()) -> bytes:
    """The body of `GET /v1/models`: names that may be sent as `model`, unavailable ones with the reason.

    With `allowed`, only those that the key may use.
    """
    shown = [model for model in catalog.models if model.kind in _SERVED and (not allowed or model.is_one_of(allowed))]
    is_chosen = not allowed or any(model.is_available and model.automatic for model in shown)
    chosen = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "acron"} for name in _AUTOMATIC]
    named = [
        {
            "id": model.name,
            "object": "model",
            "created": _CREATED,
            "owned_by": model.provider,
            "acron": profile(model),
        }
        for model in shown
    ]
    return orjson.dumps({"object": "list", "data": (chosen if is_chosen else []) + named})


def profile(model: Model) -> dict[str, Any]:
    """One model for `GET /models`: prices are standard rates in USD per million tokens."""
    return {
        "name": model.name,
        "provider": model.provider,
        "kind": model.kind,
        "aliases": list(model.aliases),
        "available": model.is_available,
        "unavailable_because": model.unavailable_because or None,
        "answered_by": "mock" if model.answered_by == "mock" else model.provider,
        "automatic": model.automatic,
        "quality": {task: float(score) for task, score in model.quality.items()},
        "latency_ms": model.latency_ms,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": sorted(model.capabilities),
        "price_per_million": {
            "input": _per_million(model, 1, 0),
            "output": _per_million(model, 0, 1),
        },
        "price_source": model.prices.source or None,
        "price_as_of": model.prices.as_of.isoformat() if model.prices.as_of else None,
        "retires_on": model.retires_on.isoformat() if model.retires_on else None,
    }


def _per_million(model: Model, input_tokens: int, output_tokens: int) -> str | None:
    amount: Decimal | None = pricing.estimate_cost(model, input_tokens, output_tokens)
    return None if amount is None else money.to_text(amount * _MILLION)
