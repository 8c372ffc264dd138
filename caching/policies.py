"""What an organization's cache may keep, for how long, and behind which wall: a policy for each namespace."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from acron_site.lib.config import Cache

# the namespace of a policy that holds for all namespaces without one of their own
ALL_OTHERS = "*"

LONGEST_TTL_SECONDS = 31_536_000
HIGHEST_TOLERANCE = 0.2
MOST_BYTES = 2**50
MOST_AHEAD_PERCENT = 50


class Wall(StrEnum):
    """Who may be given an answer that was made for another."""

    ORGANIZATION = "organization"
    USER = "user"  # the end user, as the request names them
    KEY = "key"  # the API key, together with those that were rolled into it


class Semantic(StrEnum):
    """What becomes of an answer to a question that was only nearly the same."""

    OFF = "off"
    SHADOW = "shadow"  # it is compared with the fresh one, never given
    AUTO = "auto"  # given where that has proven right often enough
    MANUAL = "manual"  # given above `semantic_threshold`


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds in one namespace. Field names are those that people set."""

    is_enabled: bool = True
    ttl_seconds: int = 86_400
    max_entry_bytes: int = 1_048_576
    max_bytes: int = 0  # of tier 1, sealed, pinned ones not counted; 0: no limit of its own
    refresh_ahead_percent: int = 0  # the last share of an answer's life in which a hit renews it; 0: none does
    keep_sampled: bool = False
    keep_tool_calls: bool = False
    wall: Wall = Wall.ORGANIZATION
    semantic: Semantic = Semantic.AUTO
    semantic_tolerance: float = 0.01  # the share of wrong hits that is put up with
    semantic_threshold: float = 0.95


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is set for one namespace; None: not set there."""

    is_enabled: bool | None = None
    ttl_seconds: int | None = None
    max_entry_bytes: int | None = None
    max_bytes: int | None = None
    refresh_ahead_percent: int | None = None
    keep_sampled: bool | None = None
    keep_tool_calls: bool | None = None
    wall: Wall | None = None
    semantic: Semantic | None = None
    semantic_tolerance: float | None = None
    semantic_threshold: float | None = None

    @property
    def stated(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in NAMES}
        return {name: value for name, value in named.items() if value is not None}


NAMES = tuple(each.name for each in fields(Wishes))
NO_WISHES = Wishes()
# while it is not known which walls there are, nothing is looked up and nothing kept
_CLOSED = Policy(is_enabled=False)


@dataclass(frozen=True, slots=True)
class Policies:
    """One organization's. `is_known`: False while nobody can say what they are; the cache then rests."""

    others: Policy = Policy()
    named: Mapping[str, Policy] = field(default_factory=dict)
    is_known: bool = True

    def of(self, namespace: str) -> Policy:
        return self.named.get(namespace, self.others)


UNKNOWN = Policies(_CLOSED, is_known=False)


class PolicySource(Protocol):
    """Where the gateway learns an organization's policies."""

    def known(self, organization_id: UUID) -> Policies | None:
        """From memory; None when they have to be read."""
        ...

    async def of(self, organization_id: UUID) -> Policies:
        """Raises nothing: what cannot be learned is UNKNOWN."""
        ...


def defaults_of(config: Cache) -> Policy:
    """What holds in every namespace for which nothing is set."""
    return Policy(
        is_enabled=config.enabled,
        ttl_seconds=config.ttl_seconds,
        max_entry_bytes=config.max_entry_bytes,
        max_bytes=config.namespace_max_bytes,
        refresh_ahead_percent=config.refresh_ahead_percent,
        keep_sampled=config.keep_sampled,
        keep_tool_calls=config.keep_tool_calls,
        wall=Wall(config.wall),
        semantic=Semantic(config.semantic),
        semantic_tolerance=config.semantic_tolerance,
        semantic_threshold=config.semantic_threshold,
    )


def effective(defaults: Policy, *wishes: Wishes) -> Policy:
    """The defaults, with each of the wishes on top of those before.

    What the operator has switched off stays off, and neither an entry nor a namespace grows beyond the
    operator's limit.
    """
    wished = defaults
    for each in wishes:
        wished = replace(wished, **each.stated)
    return replace(
        wished,
        is_enabled=wished.is_enabled and defaults.is_enabled,
        max_entry_bytes=min(wished.max_entry_bytes, defaults.max_entry_bytes),
        max_bytes=_tighter(wished.max_bytes, defaults.max_bytes),
    )


def policies(defaults: Policy, wishes: Mapping[str, Wishes]) -> Policies:
    """Of an organization whose `wishes` stand under names of namespaces, and under `*` for all others."""
    for_all = wishes.get(ALL_OTHERS, NO_WISHES)
    named = {name: effective(defaults, for_all, own) for name, own in wishes.items() if name != ALL_OTHERS}
    return Policies(effective(defaults, for_all), named)


def _tighter(wished: int, limit: int) -> int:
    """Of two limits of which either may be 0, which is none."""
    return min(wished, limit) if wished and limit else wished or limit
