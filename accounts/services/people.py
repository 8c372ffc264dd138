"""Signing up, logging in and out, and what people change about their own account."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import actor as actors
from accounts import audit, emails, selectors
from accounts.actor import Actor, Origin
from accounts.models import ApiKey, KeyPurpose, Membership, Organization, User, normalised_email
from accounts.roles import Role, scopes_of
from accounts.services import api_keys, email_addresses, organizations, own_account
from accounts.services.api_keys import IssuedKey
from accounts.sign_in import letters, second_factor
from accounts.throttle import THIS_MACHINE, log_in_throttle, sign_up_throttle
from acron_site.lib.errors import (
    InsufficientScopeError,
    InvalidApiKeyError,
    InvalidRequestError,
    SecondFactorRequiredError,
)

LOG_IN_KEY_LIFETIME = timedelta(days=30)
LOG_IN_KEYS_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class SignedUp:
    user: User
    organization: Organization
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    user_id: UUID
    organization_id: UUID
    api_key: str = field(repr=False)


def sign_up(
    email: str,
    password: str,
    *,
    full_name: str = "",
    organization_name: str = "",
    origin: Origin | None = None,
    then: str = "",
) -> SignedUp:
    """Makes a person, the organization they own, and a key that may do everything there.

    Who was invited somewhere else gets an organization of their own too. `then` is the page that the link in the
    verification email goes on to.
    """
    if origin is not None:
        count_sign_up(origin)
    user = User(email=normalised_email(email), full_name=full_name)
    _require_good_password(password, user)
    user.set_password(password)  # before the transaction: hashing is slow on purpose
    name = organization_name or default_organization_name(user)
    with transaction.atomic():
        organization = organizations.found_with_owner(user, name, origin=origin)
        api_key = organizations.issue_sign_up_key(user, organization, origin=origin)
        emails.queue(user.email, "welcome")
        letters.send_verification(email_addresses.keep(user), then=then)
    return SignedUp(user=user, organization=organization, api_key=api_key)


def count_sign_up(origin: Origin) -> None:
    """Raises RateLimitedError when there were too many from the same address; those that fail count too."""
    if origin.address not in THIS_MACHINE:
        sign_up_throttle().begin(origin.address)


def default_organization_name(user: User) -> str:
    return (user.full_name or user.email.partition("@")[0])[:180] + "'s organization"


def log_in(email: str, password: str, *, code: str = "", origin: Origin | None = None) -> LoggedIn:
    """Proves a person, by a second factor too if they have one, and makes them a key for 30 days."""
    origin = origin or Origin()
    email, throttle = normalised_email(email), log_in_throttle()
    throttle.begin(email, origin.address)
    user = _proven(email, password)
    if second_factor.is_needed(user):
        if code and not second_factor.is_proven(user, code):
            raise SecondFactorRequiredError("the one-time code is wrong or used; wait for the next one", param="code")
        if not code:
            throttle.take_back(email, origin.address)
            raise SecondFactorRequiredError(
                "this account has a second factor; send `code` too, from the authenticator app or a recovery code",
                param="code",
            )
    throttle.take_back(email, origin.address)
    membership = selectors.first_membership(user)
    if membership is None:
        raise InsufficientScopeError("this account belongs to no organization; ask its owner for an invitation")
    issued = _issue_log_in_key(user, membership, origin, method="password+code" if code else "password")
    return LoggedIn(user_id=user.pk, organization_id=membership.organization_id, api_key=issued.text)


def prove(email: str, password: str, *, origin: Origin) -> User:
    """The person with this password; the second factor is asked elsewhere. Raises InvalidApiKeyError, RateLimitedError.

    Every page that asks for a password comes here, and shares the API's throttle.
    """
    email, throttle = normalised_email(email), log_in_throttle()
    throttle.begin(email, origin.address)
    user = _proven(email, password)
    throttle.take_back(email, origin.address)
    return user


@transaction.atomic
def log_out(actor: Actor) -> None:
    """Revokes the key if a log-in made it; keys made for programs stay valid."""
    organizations.lock(actor.organization_id)
    own = ApiKey.objects.for_organization(actor.organization_id)
    api_keys.end(actor, own.filter(pk=actor.principal.key_id, purpose=KeyPurpose.LOGIN, revoked_at=None))
    user_id = actor.principal.user_id
    if user_id is not None and actor.principal.role is not None:  # a program's key logs nobody out
        audit.record(actor, "user.logged_out", User.objects.get(pk=user_id))


def set_password(user: User, password: str, *, method: str, origin: Origin) -> int:
    """Also ends what whoever knew the old password may have left behind: the keys that log-ins made, and the wish to
    change to another address. After the first reset of an account whose address was never proven all its keys end:
    somebody else may have signed up with that address, and only its owner gets the link. Returns how many keys that
    were not made by log-ins ended."""
    user.set_password(password)  # before the transaction: hashing is slow on purpose
    with transaction.atomic():
        user.save(update_fields=["password"])
        is_claimed = method == "reset" and email_addresses.prove(user)
        # one order for all: two acts that lock several organizations must not wait for each other
        memberships = sorted(selectors.memberships_of(user), key=lambda each: each.organization_id)
        others = sum(_end_keys(membership, origin, also_others=is_claimed) for membership in memberships)
        email_addresses.forget_wish(user)
        if is_claimed:
            own_account.record(user, "user.email_verified", origin, method=method)
        own_account.record(user, "user.password_changed", origin, method=method)
    return others


def _end_keys(membership: Membership, origin: Origin, *, also_others: bool) -> int:
    """Ends the keys that a person's log-ins made, or all that they made. Returns how many others ended."""
    organizations.lock(membership.organization_id)
    actor = actors.person(membership.organization_id, membership.user_id, Role(membership.role), origin)
    own = ApiKey.objects.for_organization(membership.organization_id)
    living = own.filter(created_by=membership.user_id, revoked_at=None)
    api_keys.end(actor, living.filter(purpose=KeyPurpose.LOGIN))
    others = list(living.exclude(purpose=KeyPurpose.LOGIN)) if also_others else []
    api_keys.end(actor, others)
    return len(others)


@transaction.atomic
def change_profile(actor: Actor, user: User, *, full_name: str, time_zone: str, theme: str) -> None:
    """A person's own name, time zone and theme. The theme is a matter of taste and not recorded."""
    changed = [
        name for name, value in (("full_name", full_name), ("time_zone", time_zone)) if getattr(user, name) != value
    ]
    user.full_name, user.time_zone, user.theme = full_name, time_zone, theme
    user.save(update_fields=["full_name", "time_zone", "theme"])
    if changed:
        # which, not what: a chain cannot forget a name when its person is erased
        audit.record(actor, "user.profile_changed", user, after={"fields": changed})


def _require_good_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidRequestError(" ".join(error.messages), param="password") from error


def _proven(email: str, password: str) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        make_password(password)  # takes as long as a check, so that time does not tell who has an account
    if user is None or not user.check_password(password) or not user.is_active:
        raise InvalidApiKeyError("the email or the password is wrong; check both, or reset the password")
    return user


@transaction.atomic
def _issue_log_in_key(user: User, membership: Membership, origin: Origin, *, method: str) -> IssuedKey:
    # log-ins of one person go one after the other, so that each sees the keys of the others. No stronger lock, as in
    # `organizations.lock`: a key that is being made names its maker, and takes a light lock on them when it is kept
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    organizations.lock(membership.organization_id)
    now, role = timezone.now(), Role(membership.role)
    actor = actors.person(membership.organization_id, user.pk, role, origin)
    issued = api_keys.issue(
        actor,
        membership.organization,
        f"Log-in {now:%Y-%m-%d %H:%M}",
        scopes=scopes_of(role),
        created_by=user,
        purpose=KeyPurpose.LOGIN,
        expires_at=now + LOG_IN_KEY_LIFETIME,
    )
    own = ApiKey.objects.for_organization(membership.organization_id)
    log_ins = own.filter(created_by=user, purpose=KeyPurpose.LOGIN, revoked_at=None)
    api_keys.end(actor, log_ins.order_by("-created_at", "-id")[LOG_IN_KEYS_AT_ONCE:])
    user.last_login = now
    user.save(update_fields=["last_login"])
    audit.record(actor, "user.logged_in", user, after={"method": method})
    return issued
