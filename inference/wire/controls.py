"""How a caller steers the cache: `Cache-Control`, a namespace header, and the `acron.cache` object."""

from collections.abc import Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.domain import CacheControls
from inference.wire import fields

DEFAULT = CacheControls()

_MODES = {"on": (True, True), "off": (False, False), "read": (True, False), "write": (False, True)}
_FIELDS = ("mode", "ttl", "threshold", "namespace", "tiers")
_MAX_DIGITS = 11


def parse(cache_control: str, namespace: str, options: Any) -> CacheControls:
    """The controls of one request; what the body says wins over the headers. Raises InvalidRequestError."""
    if not cache_control and not namespace and options is None:
        return DEFAULT
    directives = _directives(cache_control)
    own = _require_object(options)
    read, write = _read_write(directives, own)
    return CacheControls(
        read=read,
        write=write,
        only_if_cached="only-if-cached" in directives,
        max_age_seconds=_seconds(directives["max-age"], "Cache-Control") if "max-age" in directives else None,
        ttl_seconds=_seconds(own["ttl"], "acron.cache.ttl") if own.get("ttl") is not None else None,
        namespace=fields.text(own, "namespace", path="acron.cache.") or namespace or "default",
        threshold=_threshold(own.get("threshold")),
        tiers=tuple(_tiers(own.get("tiers"))),
    )


def _directives(header: str) -> dict[str, str]:
    pairs = (part.strip().lower().partition("=") for part in header.split(","))
    return {name.strip(): value.strip(' "') for name, _, value in pairs if name}


def _require_object(options: Any) -> Mapping[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise InvalidRequestError("acron.cache must be an object", param="acron.cache")
    if unknown := set(options) - set(_FIELDS):
        raise InvalidRequestError(
            f"acron.cache has no field {min(unknown)!r}; it knows {', '.join(_FIELDS)}",
            param="acron.cache",
        )
    return options


def _read_write(directives: Mapping[str, str], own: Mapping[str, Any]) -> tuple[bool, bool]:
    read, write = True, True
    if "no-store" in directives:
        read, write = False, False
    elif "no-cache" in directives:
        read = False
    if (mode := own.get("mode")) is not None:
        if not isinstance(mode, str) or mode not in _MODES:
            raise InvalidRequestError(f"acron.cache.mode must be one of {', '.join(_MODES)}", param="acron.cache.mode")
        read, write = _MODES[mode]
    if not _tiers(own.get("tiers")):
        read, write = False, False
    return read, write


def _tiers(tiers: Any) -> list[int]:
    if tiers is None:
        return [1, 2, 3]
    if not isinstance(tiers, list) or any(tier not in (1, 2, 3) for tier in tiers):
        raise InvalidRequestError("acron.cache.tiers must be a list of 1, 2 and 3", param="acron.cache.tiers")
    return tiers


def _threshold(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidRequestError("acron.cache.threshold must be a number from 0 to 1", param="acron.cache.threshold")
    return float(value)


def _seconds(value: Any, name: str) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidRequestError(f"{name} must be a whole number of seconds, 0 or more", param=name)
    return value
