"""What counts as the same request, and what of it may be kept."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Ask, Format

# part of every fingerprint: raise it when the meaning of a kept answer changes
VERSION = 3

_LARGEST_EXACT = 2**53

# fields of a request that do not shape the text of the answer
_NOT_SHAPING = frozenset(
    {
        "model",  # stands in the fingerprint as the resolved name or the routing policy
        "stream",
        "stream_options",
        "user",
        "metadata",
        "store",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
    }
)
# what the Responses API tells again in its answer is shaping there
_TOLD_AGAIN = {"metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "store", "user"}
_LEFT_OUT = {Format.RESPONSES: _NOT_SHAPING - _TOLD_AGAIN}


def fingerprint(ask: Ask, *, target: str, is_mock: bool, secret: bytes, body: Mapping[str, Any] | None = None) -> bytes:
    """16 bytes that two requests share only if they ask the same thing of the same target.

    With a `body` it stands in place of the request's own: for what several requests have in common.

    `target` is the resolved model, or the routing policy when a model is yet to be chosen. The organization and the
    namespace are walls of the cache itself (`caching.protocols.Namespace`). Keyed with `secret`, so that a reader of
    the store cannot try out prompts.
    """
    left_out = _LEFT_OUT.get(ask.format, _NOT_SHAPING)
    shape = {
        "version": VERSION,
        "target": target,
        "mock": is_mock,
        "format": ask.format,
        "headers": ask.passed_headers,
        "body": {name: value for name, value in (ask.body if body is None else body).items() if name not in left_out},
    }
    return hashlib.blake2b(canonical(shape), digest_size=16, key=secret).digest()


def canonical(value: Any) -> bytes:
    """JSON in one form: sorted keys, whole numbers without a fraction; escapes and spaces went when it was read.

    Raises InvalidRequestError when it is nested too deeply to be written.
    """
    try:
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        # 1.0 and 1e0 are read as the same number and written with this ending, which few requests have anywhere
        return orjson.dumps(_whole(value), option=orjson.OPT_SORT_KEYS) if b".0" in written else written
    except TypeError as error:
        raise InvalidRequestError("the request is nested more than 250 levels deep; send a flatter one") from error


def _whole(value: Any) -> Any:
    """Beyond 2**53 a float may stand for several whole numbers, so it stays what it is."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT:
        return int(value)
    return value


def policy_name(ask: Ask, allowed: frozenset[str] = frozenset()) -> str:
    """The target of a request whose model is yet to be chosen: everything that steers the choice.

    `allowed` are the models that the key may use, where it may not use all.
    """
    name = (
        f"{ask.mode}:{ask.quality_threshold}:{ask.quality_preference}:{ask.latency_preference}:"
        f"{ask.latency_budget_ms}:{ask.cost_budget_usd}:{ask.task_type}:{ask.fallbacks}"
    )
    if ask.cascade is not None:
        name = f"{name}:{ask.cascade}"
    return f"{name}:{sorted(allowed)}" if allowed else name
