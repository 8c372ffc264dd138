"""Making and ending API keys."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import actor as actors
from accounts import audit, keys, wiring
from accounts.actor import Actor
from accounts.models import ApiKey, KeyMode, KeyPurpose, Organization, User
from accounts.principal import KeyRules
from accounts.rights import Right
from accounts.scopes import Scope
from acron_site.lib.errors import NotFoundError


class IssuedKey(NamedTuple):
    """A new key with its text, which can never be shown again."""

    key: ApiKey
    text: str


@transaction.atomic
def revoke(actor: Actor, key_id: UUID) -> None:
    """Ends a key; every worker refuses it within a second. Ending it twice is no error."""
    actor.principal.require_right(Right.MANAGE_OWN_KEYS)
    own = ApiKey.objects.for_organization(actor.organization_id)
    key = own.filter(pk=key_id).first()
    is_own = key is not None and key.created_by_id is not None and key.created_by_id == actor.principal.user_id
    if key is None or not (is_own or actor.principal.may(Right.MANAGE_KEYS)):
        raise NotFoundError("there is no such key; list yours under /governance/api-keys")
    end(actor, own.filter(pk=key_id, revoked_at=None))


@transaction.atomic
def issue_run_key(organization: Organization) -> str:
    """A key for one start of the local demonstration; those of earlier starts end."""
    actor = actors.system(organization.pk)
    end(actor, ApiKey.objects.for_organization(organization.pk).filter(purpose=KeyPurpose.RUN, revoked_at=None))
    name = f"Started {timezone.now():%Y-%m-%d %H:%M}"
    return issue(actor, organization, name, scopes=[Scope.ADMIN], purpose=KeyPurpose.RUN).text


@transaction.atomic
def issue(
    actor: Actor,
    organization: Organization,
    name: str,
    *,
    scopes: Collection[Scope],
    created_by: User | None = None,
    mode: KeyMode = KeyMode.LIVE,
    purpose: KeyPurpose = KeyPurpose.STANDARD,
    expires_at: datetime | None = None,
    rules: KeyRules | None = None,
    rolled_from: ApiKey | None = None,
) -> IssuedKey:
    """Makes a key without asking whether the actor may; `create` asks."""
    text, prefix = keys.make("test" if mode is KeyMode.TEST else "live")
    peppers, rules = wiring.peppers(), rules or KeyRules()
    key = ApiKey(
        organization=organization,
        created_by=created_by,
        name=name,
        purpose=purpose,
        prefix=prefix,
        digest=keys.digest(text, peppers.current),
        pepper_id=peppers.current_id,
        scopes=sorted(scopes),
        mode=mode,
        expires_at=expires_at,
        allowed_networks=list(rules.networks),
        allowed_models=sorted(rules.models),
        requests_per_minute=rules.requests_per_minute,
        tokens_per_minute=rules.tokens_per_minute,
        monthly_budget_usd=rules.monthly_budget_usd,
        rolled_from=rolled_from,
    )
    key.save(force_insert=True)
    audit.record(actor, "api_key.created", key, after=shown(key))
    return IssuedKey(key, text)


def end(actor: Actor, ending: Iterable[ApiKey]) -> None:
    """Revokes these keys, without asking whether the actor may. Runs in the caller's transaction."""
    for key in ending:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        audit.record(actor, "api_key.revoked", key)
        tell_of_change(key.prefix)


def tell_of_change(prefix: str) -> None:
    """Has every worker read this key again, once the transaction is through."""

    def tell() -> None:
        wiring.key_directory().invalidate(prefix)
        news = wiring.revocations()
        if news is not None:
            news.publish(prefix)

    transaction.on_commit(tell)


def shown(key: ApiKey) -> dict[str, object]:
    """What the audit log keeps of a key."""
    names = (
        "purpose", "scopes", "mode", "expires_at", "allowed_networks", "allowed_models", "requests_per_minute",
        "tokens_per_minute", "monthly_budget_usd",
    )  # fmt: skip
    return {name: value for name in names if (value := getattr(key, name)) not in (None, [])}
