"""Setting what an organization's cache may keep: on the record, and known to every worker within a second."""

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
from acron_site.lib.errors import ConflictError, InvalidRequestError, NotFoundError
from caching import namespaces, selectors_policies
from caching.models import CachePolicy
from caching.policies import (
    ALL_OTHERS,
    HIGHEST_TOLERANCE,
    LONGEST_TTL_SECONDS,
    MOST_AHEAD_PERCENT,
    MOST_BYTES,
    Policy,
    Wishes,
    defaults_of,
)

MOST_POLICIES = 1_000  # of one organization: all of them lie in each worker's memory
_TEXTS = ("wall", "semantic")


@transaction.atomic
def put(actor: Actor, namespace: str, wishes: Wishes) -> None:
    """Takes the place of what was set for the namespace before. What is kept already stays until its time is up, and
    is found again only by those whom the new wall lets through."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    require_name(actor, namespace)
    _require_sensible(wishes, defaults())
    # of two at the same instant one waits for the other
    organizations.lock(actor.organization_id)
    own = CachePolicy.objects.for_organization(actor.organization_id)
    former = own.filter(namespace=namespace).first()
    if former is None and own.count() >= MOST_POLICIES:
        raise ConflictError(f"{MOST_POLICIES} namespaces have a policy already; delete one that is not needed any more")
    policy = former or CachePolicy(organization_id=actor.organization_id, namespace=namespace)
    before = _shown(former) if former else None
    for name, value in asdict(wishes).items():
        setattr(policy, name, "" if value is None and name in _TEXTS else value)
    policy.changed_at = timezone.now()
    policy.save()
    audit.record(actor, "cache_policy.changed", before=before, after=_shown(policy))
    news.organization_changed(actor.organization_id)


@transaction.atomic
def remove(actor: Actor, namespace: str) -> None:
    """From now on the namespace goes by what is set for all, and by the operator's settings."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    own = CachePolicy.objects.for_organization(actor.organization_id)
    policy = own.filter(namespace=namespace).first()
    if policy is None:
        raise NotFoundError("nothing is set for this namespace; GET /governance/policies/cache lists those there are")
    audit.record(actor, "cache_policy.removed", before=_shown(policy))
    own.filter(pk=policy.pk).delete()
    news.organization_changed(actor.organization_id)


def defaults() -> Policy:
    """What holds where nothing is set."""
    config: Config = settings.ACRON
    return defaults_of(config.cache)


def require_name(actor: Actor, namespace: str) -> None:
    """Raises InvalidRequestError for what is no namespace's name."""
    if namespace != ALL_OTHERS:
        namespaces.named(actor.organization_id, namespace)


def _require_sensible(wishes: Wishes, limits: Policy) -> None:
    checks = (
        ("ttl_seconds", wishes.ttl_seconds, 1, LONGEST_TTL_SECONDS, "seconds"),
        ("max_entry_bytes", wishes.max_entry_bytes, 1, limits.max_entry_bytes, "bytes, the operator's limit"),
        ("max_bytes", wishes.max_bytes, 0, limits.max_bytes or MOST_BYTES, "bytes, 0 for no limit of its own"),
        ("refresh_ahead_percent", wishes.refresh_ahead_percent, 0, MOST_AHEAD_PERCENT, "percent, 0 for off"),
    )
    for name, value, least, most, unit in checks:
        if value is not None and not least <= value <= most:
            raise InvalidRequestError(f"{name} must be a whole number from {least} to {most} {unit}", param=name)
    shares = (
        ("semantic_tolerance", wishes.semantic_tolerance, HIGHEST_TOLERANCE),
        ("semantic_threshold", wishes.semantic_threshold, 1),
    )
    for name, share, highest in shares:
        if share is not None and not 0 < share <= highest:
            raise InvalidRequestError(f"{name} must be a number above 0, and {highest:g} at most", param=name)


def _shown(policy: CachePolicy) -> dict[str, Any]:
    return {"namespace": policy.namespace, **selectors_policies.wishes_of(policy).stated}
