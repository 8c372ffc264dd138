"""Setting how an organization's requests are routed: on the record, and known to every worker within a second."""

import math
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit, news
from accounts.actor import Actor
from accounts.rights import Right
from accounts.services import organizations
from acron_site.lib.config import Config
from acron_site.lib.errors import InvalidRequestError
from inference import selectors_routing
from inference.models import RoutingPolicy
from inference.routing import policies
from inference.routing.policies import Policy, Wishes, defaults_of
from inference.routing.proofs import LEAST_EPSILON, MOST_EPSILON

_RANGES = {
    "quality_threshold": (0, policies.HIGHEST_QUALITY),
    "epsilon": (LEAST_EPSILON, MOST_EPSILON),
    "explore_percent": (0, policies.HIGHEST_EXPLORE_PERCENT),
    "holdout_percent": (0, policies.HIGHEST_HOLDOUT_PERCENT),
}


@transaction.atomic
def put(actor: Actor, wishes: Wishes) -> None:
    """Takes the place of what was set before; what is None goes by the operator's settings."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    _require_sensible(wishes)
    # of two at the same instant one waits for the other
    organizations.lock(actor.organization_id)
    former = RoutingPolicy.objects.for_organization(actor.organization_id).first()
    before = _shown(former) if former else None
    policy = former or RoutingPolicy(organization_id=actor.organization_id)
    for name, value in asdict(wishes).items():
        setattr(policy, name, "" if value is None and name == "cascades" else value)
    policy.changed_at = timezone.now()
    policy.save()
    audit.record(actor, "routing_policy.changed", before=before, after=_shown(policy))
    news.organization_changed(actor.organization_id)


def defaults() -> Policy:
    """What holds where nothing is set."""
    config: Config = settings.ACRON
    return defaults_of(config.routing)


def _require_sensible(wishes: Wishes) -> None:
    for name, (least, most) in _RANGES.items():
        value = getattr(wishes, name)
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            raise InvalidRequestError(f"{name} must be a number from {least:g} to {most:g}", param=name)


def _shown(policy: RoutingPolicy) -> dict[str, Any]:
    return selectors_routing.wishes_of(policy).stated
