"""Signing up, logging in and out."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import actor as actors
from accounts import audit, selectors
from accounts.actor import Actor, Origin
from accounts.models import ApiKey, KeyPurpose, Membership, Organization, User, normalised_email
from accounts.roles import Role, scopes_of
from accounts.services import api_keys, organizations
from accounts.services.api_keys import IssuedKey
from accounts.throttle import log_in_throttle
from acron_site.lib.errors import InsufficientScopeError, InvalidApiKeyError, InvalidRequestError

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
    email: str, password: str, *, full_name: str = "", organization_name: str = "", origin: Origin | None = None
) -> SignedUp:
    """Makes a person, the organisation they own, and a key that may do everything there."""
    user = User(email=normalised_email(email), full_name=full_name)
    _require_good_password(password, user)
    user.set_password(password)  # before the transaction: hashing is slow on purpose
    name = organization_name or default_organization_name(user)
    with transaction.atomic():
        organization = organizations.found_with_owner(user, name, origin=origin)
        api_key = organizations.issue_sign_up_key(user, organization, origin=origin)
    return SignedUp(user=user, organization=organization, api_key=api_key)


def default_organization_name(user: User) -> str:
    return (user.full_name or user.email.partition("@")[0])[:180] + "'s organization"


def log_in(email: str, password: str, *, origin: Origin | None = None) -> LoggedIn:
    """Proves a person and makes them a key for 30 days."""
    origin = origin or Origin()
    email, throttle = normalised_email(email), log_in_throttle()
    throttle.begin(email, origin.address)
    user = _proven(email, password)
    throttle.take_back(email, origin.address)
    membership = selectors.first_membership(user)
    if membership is None:
        raise InsufficientScopeError("this account belongs to no organisation; ask its owner for an invitation")
    issued = _issue_log_in_key(user, membership, origin)
    return LoggedIn(user_id=user.pk, organization_id=membership.organization_id, api_key=issued.text)


@transaction.atomic
def log_out(actor: Actor) -> None:
    """Revokes the key if a log-in made it; keys made for programs stay valid."""
    own = ApiKey.objects.for_organization(actor.organization_id)
    api_keys.end(actor, own.filter(pk=actor.principal.key_id, purpose=KeyPurpose.LOGIN, revoked_at=None))


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
        raise InvalidApiKeyError("the e-mail or the password is wrong; check both, or reset the password")
    return user


@transaction.atomic
def _issue_log_in_key(user: User, membership: Membership, origin: Origin) -> IssuedKey:
    # log-ins of one person go one after the other, so that each sees the keys of the others
    User.objects.select_for_update().get(pk=user.pk)
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
    audit.record(actor, "user.logged_in", user, after={"method": "password"})
    return issued
