"""What is set for an organization's cache: each value with its default and where it comes from."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from caching.models import CachePolicy
from caching.policies import ALL_OTHERS, NAMES, NO_WISHES, Policy, Semantic, Wall, Wishes, effective

_HERE = "set for this namespace"
_FOR_ALL = "set for all namespaces"
_OPERATORS = "the operator's settings"
_LIMIT = "the operator's limit"
_BUILT_IN = "default"

_DESCRIPTIONS = {
    "is_enabled": "Whether answers are kept and given again at all.",
    "ttl_seconds": "How long an answer is kept, unless the request says otherwise.",
    "max_entry_bytes": "Larger answers are not kept.",
    "max_bytes": "How many bytes of exact answers (tier 1) are kept, as sealed; the oldest beyond it go, in Redis "
    "within 10 minutes. Pinned ones stay and do not count. 0: no limit of its own.",
    "refresh_ahead_percent": "A hit in the last percent of its answer's life is given at once, and a call in the "
    "background, booked as overhead, renews the answer; 0: off.",
    "keep_sampled": "Keep answers to requests with a temperature above 0.",
    "keep_tool_calls": "Keep answers that call tools.",
    "wall": "Who shares answers: the organization; user: each end user has their own, and requests that name none are "
    "never answered from the cache; key: each API key has its own.",
    "semantic": "What becomes of answers to questions that are only nearly the same: off; shadow: compared, never "
    "given; auto: given where that has proven right; manual: given above semantic_threshold, which nothing proves and "
    "no complaint lowers: whoever sets it answers for it.",
    "semantic_tolerance": "The share of wrong hits that is put up with where semantic is auto.",
    "semantic_threshold": "How alike questions must be where semantic is manual; 1: nothing but the same.",
}


@dataclass(frozen=True, slots=True)
class PolicySetting:
    """One value, what it would be if nobody had set it, and who has."""

    name: str
    value: bool | int | float | str
    default: bool | int | float | str
    source: str
    description: str


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """One namespace's policy. `changed_at` is None where nothing is set for it."""

    namespace: str
    changed_at: datetime | None
    settings: tuple[PolicySetting, ...]


def wishes(organization_id: UUID) -> dict[str, Wishes]:
    """By namespace."""
    return {row.namespace: wishes_of(row) for row in CachePolicy.objects.for_organization(organization_id)}


def wishes_of(row: CachePolicy) -> Wishes:
    named = Wishes(**{name: getattr(row, name) for name in NAMES})
    return replace(
        named,
        wall=Wall(row.wall) if row.wall else None,
        semantic=Semantic(row.semantic) if row.semantic else None,
    )


def pages(organization_id: UUID, defaults: Policy) -> tuple[PolicyPage, ...]:
    """What holds for all namespaces first, then those with a policy of their own by name."""
    rows = {row.namespace: row for row in CachePolicy.objects.for_organization(organization_id)}
    names = [ALL_OTHERS, *sorted(rows.keys() - {ALL_OTHERS})]
    return tuple(_page(name, rows, defaults) for name in names)


def page(organization_id: UUID, namespace: str, defaults: Policy) -> PolicyPage:
    """What holds in a namespace, whether something is set for it or not."""
    rows = CachePolicy.objects.for_organization(organization_id).filter(namespace__in=[namespace, ALL_OTHERS])
    return _page(namespace, {row.namespace: row for row in rows}, defaults)


def _page(namespace: str, rows: dict[str, CachePolicy], defaults: Policy) -> PolicyPage:
    row = rows.get(namespace)
    for_all = wishes_of(rows[ALL_OTHERS]) if ALL_OTHERS in rows else NO_WISHES
    own = NO_WISHES if row is None or namespace == ALL_OTHERS else wishes_of(row)
    settings = tuple(_setting(name, for_all, own, defaults) for name in NAMES)
    return PolicyPage(namespace, None if row is None else row.changed_at, settings)


def _setting(name: str, for_all: Wishes, own: Wishes, defaults: Policy) -> PolicySetting:
    value, default = getattr(effective(defaults, for_all, own), name), getattr(defaults, name)
    return PolicySetting(
        name=name,
        value=value,
        default=default,
        source=_source(name, for_all, own, defaults, value=value),
        description=_DESCRIPTIONS[name],
    )


def _source(name: str, for_all: Wishes, own: Wishes, defaults: Policy, *, value: object) -> str:
    for wished, source in ((getattr(own, name), _HERE), (getattr(for_all, name), _FOR_ALL)):
        if wished is not None:
            return source if wished == value else _LIMIT
    return _BUILT_IN if getattr(defaults, name) == getattr(Policy(), name) else _OPERATORS
