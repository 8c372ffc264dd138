"""How an organization wants its requests routed where they leave the choice to the gateway."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from acron_site.lib.config import Routing
from inference.routing.proofs import EPSILON

HIGHEST_QUALITY = 5
HIGHEST_EXPLORE_PERCENT = 100
HIGHEST_HOLDOUT_PERCENT = 20


class CascadeUse(StrEnum):
    """Whether a cheap model may be asked first, and a dearer one where its answer does not do."""

    OFF = "off"
    PROVEN = "proven"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for an organization. Field names are those that people set.

    `quality_threshold`: None where the operator's holds, and so for requests alone that say none themselves.
    """

    quality_threshold: float | None = None
    epsilon: float = EPSILON
    explores: bool = False
    explore_percent: float = 2.0
    holdout_percent: float = 2.0
    cascades: CascadeUse = CascadeUse.PROVEN


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an organization has set; None: not set."""

    quality_threshold: float | None = None
    epsilon: float | None = None
    explores: bool | None = None
    explore_percent: float | None = None
    holdout_percent: float | None = None
    cascades: CascadeUse | None = None

    @property
    def stated(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in NAMES}
        return {name: value for name, value in named.items() if value is not None}


NAMES = tuple(each.name for each in fields(Wishes))
NO_WISHES = Wishes()
# who has not agreed to anything: nothing is bought, nobody is held out
PLAIN = Policy(holdout_percent=0.0, cascades=CascadeUse.OFF)


def defaults_of(config: Routing) -> Policy:
    """What holds where an organization has set nothing. Whether it explores is its own to say."""
    return Policy(
        epsilon=config.epsilon,
        explore_percent=config.explore_percent,
        holdout_percent=config.holdout_percent,
        cascades=CascadeUse(config.cascades),
    )


def effective(defaults: Policy, wishes: Wishes) -> Policy:
    return replace(defaults, **wishes.stated)
