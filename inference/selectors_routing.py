"""What is set for an organization's routing: each value with its default and where it comes from."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from inference.models import RoutingPolicy
from inference.routing.policies import NAMES, NO_WISHES, CascadeUse, Policy, Wishes, effective

_HERE, _OPERATORS, _BUILT_IN = "set by the organization", "the operator's settings", "default"

_DESCRIPTIONS = {
    "quality_threshold": "0 to 5: what a model must reach to be chosen for requests that do not say; null: what the "
    "operator has set.",
    "epsilon": "A cheaper model is trusted once it is proven that fewer than this share of its answers are worse.",
    "explores": "Whether requests may be sent to a second, cheaper model as well, to compare the answers. That is paid "
    "like every call, and its rows are overhead.",
    "explore_percent": "Of the requests for which that would prove something; only where explores is true.",
    "holdout_percent": "Of the conversations on Autopilot that are not optimised, so that savings are measured: they "
    "are answered by the baseline model and never from the cache.",
    "cascades": "Whether a cheap model may be asked before a dearer one: off; proven: where that has proven right; "
    "always.",
}


@dataclass(frozen=True, slots=True)
class PolicySetting:
    """One value, what it would be if the organization had not set it, and who has."""

    name: str
    value: bool | float | str | None
    default: bool | float | str | None
    source: str
    description: str


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """`changed_at` is None where nothing is set."""

    changed_at: datetime | None
    settings: tuple[PolicySetting, ...]


def wishes(organization_id: UUID) -> Wishes:
    row = RoutingPolicy.objects.for_organization(organization_id).first()
    return NO_WISHES if row is None else wishes_of(row)


def wishes_of(row: RoutingPolicy) -> Wishes:
    named = Wishes(**{name: getattr(row, name) for name in NAMES})
    return replace(named, cascades=CascadeUse(row.cascades) if row.cascades else None)


def page(organization_id: UUID, defaults: Policy) -> PolicyPage:
    row = RoutingPolicy.objects.for_organization(organization_id).first()
    own = NO_WISHES if row is None else wishes_of(row)
    settings = tuple(_setting(name, own, defaults) for name in NAMES)
    return PolicyPage(None if row is None else row.changed_at, settings)


def _setting(name: str, own: Wishes, defaults: Policy) -> PolicySetting:
    default = getattr(defaults, name)
    return PolicySetting(
        name=name,
        value=getattr(effective(defaults, own), name),
        default=default,
        source=_source(name, own, default),
        description=_DESCRIPTIONS[name],
    )


def _source(name: str, own: Wishes, default: object) -> str:
    if getattr(own, name) is not None:
        return _HERE
    return _BUILT_IN if default == getattr(Policy(), name) else _OPERATORS
