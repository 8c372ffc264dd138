"""Making, rolling and ending API keys."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import actor as actors
from accounts import audit, key_rules, keys, wiring
from accounts.actor import Actor
from accounts.models import ApiKey, KeyMode, KeyPurpose, Organization, User
from accounts.principal import KeyRules, Principal
from accounts.rights import Right
from accounts.roles import scopes_of
from accounts.scopes import HOLDS_EVERYTHING, Scope
from acron_site.lib.errors import ConflictError, InsufficientScopeError, InvalidRequestError, NotFoundError

MOST_LIVING_KEYS = 500  # an organization; keys of log-ins do not count, they are few for each person
DEFAULT_OVERLAP = timedelta(days=1)
_ROLLABLE = frozenset({KeyPurpose.STANDARD, KeyPurpose.SIGN_UP})


class IssuedKey(NamedTuple):
    """A new key with its text, which can never be shown again."""

    key: ApiKey
    text: str


@transaction.atomic
def create(
    actor: Actor,
    name: str,
    *,
    scopes: Collection[Scope],
    mode: KeyMode = KeyMode.LIVE,
    expires_at: datetime | None = None,
    rules: KeyRules | None = None,
    knows_model: Callable[[str], bool] | None = None,
) -> IssuedKey:
    """A key for a program, which may do no more than the actor. Raises InvalidRequestError, ConflictError."""
    actor.principal.require_right(Right.MANAGE_OWN_KEYS)
    name, expires_at = key_rules.checked_name(name), key_rules.checked_expiry(expires_at, timezone.now())
    rules = key_rules.checked(rules or KeyRules(), knows_model)
    _require_without_limits(actor.principal)
    _require_grant(actor.principal, scopes, mode)
    organization = _locked(actor.organization_id)
    _require_room(organization)
    return issue(
        actor,
        organization,
        name,
        scopes=frozenset(scopes),
        created_by=_person(actor.principal),
        mode=mode,
        expires_at=expires_at,
        rules=rules,
    )


@transaction.atomic
def roll(actor: Actor, key_id: UUID, overlap: timedelta = DEFAULT_OVERLAP) -> IssuedKey:
    """A new key that may do what the old one may, for as long as that was made for; the old one works for `overlap`
    longer. Raises ConflictError for keys that ended, were rolled before, or end by themselves."""
    overlap, now = key_rules.checked_overlap(overlap), timezone.now()
    found = _manageable(actor, key_id)
    organization = _locked(actor.organization_id)
    if overlap:
        _require_room(organization)
    own = ApiKey.objects.for_organization(actor.organization_id).select_related("created_by")
    old = own.select_for_update(of=("self",)).get(pk=found.pk)
    _require_rollable(actor.principal, old, now)
    issued = issue(
        actor,
        organization,
        old.name,
        scopes=[Scope(scope) for scope in old.scopes],
        created_by=old.created_by,
        mode=KeyMode(old.mode),
        purpose=KeyPurpose(old.purpose),
        expires_at=None if old.expires_at is None else now + (old.expires_at - old.created_at),
        rules=old.rules,
        rolled_from=old,
    )
    before, ends_at = old.expires_at, now + overlap
    old.expires_at = ends_at if before is None else min(before, ends_at)
    old.save(update_fields=["expires_at"])
    audit.record(actor, "api_key.rolled", old, before={"expires_at": before}, after={"expires_at": old.expires_at})
    tell_of_change(old.prefix)
    return issued


@transaction.atomic
def revoke(actor: Actor, key_id: UUID) -> None:
    """Ends a key; every worker refuses it within a second. Ending it twice is no error."""
    key = _manageable(actor, key_id)
    _locked(actor.organization_id)
    end(actor, ApiKey.objects.for_organization(actor.organization_id).filter(pk=key.pk, revoked_at=None))


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
        # a rolled key goes on where the old one is: rolling must not be a way to a second budget
        family_id=None if rolled_from is None else rolled_from.family_id or rolled_from.pk,
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
        "tokens_per_minute", "monthly_budget_usd", "rolled_from",
    )  # fmt: skip
    return {name: value for name in names if (value := getattr(key, name)) not in (None, [])}


def may_grant(principal: Principal, scope: Scope) -> bool:
    """A key with `admin` whose person has meanwhile become a member gives no more than a member has."""
    of_role = scopes_of(principal.effective_role)
    is_in_browser = principal.key_id is None and principal.role is not None  # then the role alone counts
    is_of_role = scope in of_role or not HOLDS_EVERYTHING.isdisjoint(of_role)
    return is_of_role and (is_in_browser or principal.allows(scope))


def _require_grant(principal: Principal, scopes: Collection[Scope], mode: KeyMode) -> None:
    if not scopes:
        known = ", ".join(Scope)
        raise InvalidRequestError(f"a key needs at least one scope of: {known}", param="scopes")
    beyond = sorted(scope for scope in set(scopes) if not may_grant(principal, scope))
    if beyond:
        raise InsufficientScopeError(
            f"a key cannot get what its maker does not hold: {', '.join(beyond)}; leave it out, or ask an admin",
            param="scopes",
        )
    if principal.is_test and mode is not KeyMode.TEST:
        raise InsufficientScopeError("a test key makes test keys only; set mode to 'test'", param="mode")


def _require_without_limits(principal: Principal) -> None:
    """A key with a budget would be held to nothing, could it get another key: one that it makes, or rolls."""
    rules = principal.rules or KeyRules()
    if rules != KeyRules(networks=rules.networks):
        raise InsufficientScopeError(
            "a key that is held to models, rates or a budget makes and rolls no other keys; use one without them, "
            "or the page /keys"
        )


def _require_rollable(principal: Principal, key: ApiKey, now: datetime) -> None:
    if key.pk != principal.key_id:
        _require_without_limits(principal)
    if key.purpose not in _ROLLABLE:
        raise ConflictError("keys of log-ins and of local starts end by themselves; create a key instead")
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise ConflictError("this key has ended, so it cannot be rolled; create another one")
    if ApiKey.objects.for_organization(key.organization_id).filter(rolled_from=key).exists():
        raise ConflictError("this key was rolled already; roll the one that followed it, or create another one")
    is_oneself = principal.role is not None and principal.user_id == key.created_by_id
    if key.purpose == KeyPurpose.SIGN_UP and not is_oneself:
        # it acts with its person's role, which may be more than the actor's
        raise InsufficientScopeError("the key of a sign-up is rolled by its person alone; revoke it if it must end")
    _require_grant(principal, [Scope(scope) for scope in key.scopes], KeyMode(key.mode))


def _manageable(actor: Actor, key_id: UUID) -> ApiKey:
    """One's own keys, and everybody's for those who may. A key of others is as unknown as one of strangers."""
    actor.principal.require_right(Right.MANAGE_OWN_KEYS)
    key: ApiKey | None = ApiKey.objects.for_organization(actor.organization_id).filter(pk=key_id).first()
    is_own = key is not None and key.created_by_id is not None and key.created_by_id == actor.principal.user_id
    if key is None or not (is_own or actor.principal.may(Right.MANAGE_KEYS)):
        raise NotFoundError("there is no such key; list yours under /governance/api-keys")
    return key


def _person(principal: Principal) -> User | None:
    return User.objects.filter(pk=principal.user_id).first() if principal.user_id else None


def _locked(organization_id: UUID) -> Organization:
    """Acts on keys go one after the other: two at once do not both take the last place. And the organization is
    locked before its rows, as everywhere, so that no two acts wait for each other."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization_id)


def _require_room(organization: Organization) -> None:
    """Raises ConflictError when there are as many keys as there may be."""
    lives = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    living = ApiKey.objects.for_organization(organization.pk).filter(lives, revoked_at=None)
    if living.exclude(purpose=KeyPurpose.LOGIN).count() >= MOST_LIVING_KEYS:
        raise ConflictError(f"an organization has {MOST_LIVING_KEYS} keys at most; revoke those that nobody uses")
