"""The models as callers see them: OpenAI's listing and Anthropic's in one, with prices and availability added."""

from decimal import Decimal
from typing import Any

import orjson

from acron_site.lib import money
from acron_site.lib.errors import UnknownModelError
from inference import pricing
from inference.catalog import Catalog, Model
from inference.domain import Format

_MILLION = 1_000_000
# a date for clients that insist on one: when the prices of the catalogue were gathered matters, not this
_CREATED = 0
_CREATED_AT = "1970-01-01T00:00:00Z"  # Anthropic's way to say that it is not known
_SHOWN_NAME_LENGTH = 100
_SERVED = frozenset(kind for spoken in Format for kind in spoken.kinds)
_AUTOMATIC = ("auto", "acron-auto", "acron-guided")


def listing(catalog: Catalog, allowed: frozenset[str] = frozenset()) -> bytes:
    """The body of `GET /v1/models`: names that may be sent as `model`, unavailable ones with the reason.

    With `allowed`, only those that the key may use.
    """
    shown = [model for model in catalog.models if model.kind in _SERVED and (not allowed or model.is_one_of(allowed))]
    is_chosen = not allowed or any(model.is_available and model.automatic for model in shown)
    chosen = [_entry(name, "acron") for name in _AUTOMATIC] if is_chosen else []
    named = [_entry(model.name, model.provider) | _details(model) for model in shown]
    entries = chosen + named
    ends = [entries[place]["id"] if entries else None for place in (0, -1)]
    return orjson.dumps({"object": "list", "data": entries, "has_more": False, "first_id": ends[0], "last_id": ends[1]})


def one(listed: bytes, name: str) -> bytes:
    """The entry of the model with this name or alias in a listing. Raises UnknownModelError."""
    for entry in orjson.loads(listed)["data"]:
        if name == entry["id"] or name in entry.get("acron", {}).get("aliases", ()):
            return orjson.dumps(entry)
    raise UnknownModelError(
        f"there is no model called {name[:_SHOWN_NAME_LENGTH]!r} for this key; GET /v1/models lists those there are",
        param="model",
    )


def _entry(name: str, owner: str) -> dict[str, Any]:
    """OpenAI's four fields, and Anthropic's."""
    return {
        "id": name,
        "object": "model",
        "created": _CREATED,
        "owned_by": owner,
        "type": "model",
        "display_name": name,
        "created_at": _CREATED_AT,
        "lifecycle": "active",
    }


def _details(model: Model) -> dict[str, Any]:
    retires_on = model.retires_on
    return {
        "lifecycle": "deprecated" if retires_on else "active",
        "retires_at": f"{retires_on.isoformat()}T00:00:00Z" if retires_on else None,
        "max_input_tokens": model.context_window or None,
        "max_tokens": model.max_output_tokens or None,
        "acron": profile(model),
    }


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
