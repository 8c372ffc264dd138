"""What people and operators do with accounts: sign up, log in and out, found organisations, make and revoke keys."""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts import keys, selectors, wiring
from accounts.models import ApiKey, KeyMode, KeyPurpose, Membership, Organization, User, normalised_email
from accounts.principal import Principal, Scope
from accounts.roles import Role, scopes_of
from accounts.throttle import log_in_throttle
from acron_site.lib.errors import (
    ConflictError,
    InsufficientScopeError,
    InvalidApiKeyError,
    InvalidRequestError,
    NotFoundError,
)

LOG_IN_KEY_LIFETIME = timedelta(days=30)
LOG_IN_KEYS_AT_ONCE = 10


class IssuedKey(NamedTuple):
    """A new key with its text, which can never be shown again."""

    key: ApiKey
    text: str


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


@dataclass(frozen=True, slots=True)
class Founded:
    """`password` is set when the owner is new."""

    user: User
    organization: Organization
    api_key: str = field(repr=False)
    password: str | None = field(repr=False, default=None)


def sign_up(email: str, password: str, *, full_name: str = "", organization_name: str = "") -> SignedUp:
    """Makes a person, the organisation they own, and a key that may do everything there."""
    user = User(email=normalised_email(email), full_name=full_name)
    _require_good_password(password, user)
    user.set_password(password)  # before the transaction: hashing is slow on purpose
    name = organization_name or (full_name or user.email.partition("@")[0])[:180] + "'s organization"
    with transaction.atomic():
        organization = found_with_owner(user, name)
        issued = create_api_key(organization, "Sign-up", scopes=[Scope.ADMIN], created_by=user)
    return SignedUp(user=user, organization=organization, api_key=issued.text)


def log_in(email: str, password: str, *, address: str = "") -> LoggedIn:
    """Proves a person and makes them a key for 30 days. `address` is where the caller's connection comes from."""
    email, throttle = normalised_email(email), log_in_throttle()
    throttle.begin(email, address)
    user = _proven(email, password)
    throttle.take_back(email, address)
    membership = selectors.first_membership(user)
    if membership is None:
        raise InsufficientScopeError("this account belongs to no organisation; ask its owner for an invitation")
    issued = _issue_log_in_key(user, membership)
    return LoggedIn(user_id=user.pk, organization_id=membership.organization_id, api_key=issued.text)


@transaction.atomic
def log_out(principal: Principal) -> None:
    """Revokes the key if a log-in made it; keys made for programs stay valid."""
    own = ApiKey.objects.for_organization(principal.organization_id)
    _revoke(own.filter(pk=principal.key_id, purpose=KeyPurpose.LOGIN, revoked_at=None))


@transaction.atomic
def create_organization(name: str) -> Organization:
    """An organisation with the nicest slug that is still free."""
    slug = slugify(name)[:50] or "organization"
    for candidate in (slug, f"{slug}-{secrets.token_hex(4)}"):
        try:
            with transaction.atomic():
                return Organization.objects.create(name=name, slug=candidate)
        except IntegrityError:
            continue
    raise ConflictError(f"no free address for an organisation called {name!r}; try another name")


@transaction.atomic
def found_organization(name: str, owner_email: str) -> Founded:
    """An operator's way to an organisation with its owner, who gets a password if they are new."""
    email = _require_email(owner_email)
    user, password = User.objects.filter(email=email).first(), None
    if user is not None:
        organization = create_organization(name)
        add_member(organization, user, Role.OWNER)
    else:
        user, password = User(email=email), secrets.token_urlsafe(12)
        user.set_password(password)
        organization = found_with_owner(user, name)
    issued = create_api_key(organization, "First key", scopes=[Scope.ADMIN], created_by=user)
    return Founded(user=user, organization=organization, api_key=issued.text, password=password)


@transaction.atomic
def found_with_owner(user: User, organization_name: str) -> Organization:
    """Saves a new person as the owner of a new organisation. Raises ConflictError when the e-mail is taken."""
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise ConflictError(
            "there can be no new account with this e-mail; if it is yours, log in or reset the password",
            param="email",
        ) from None
    organization = create_organization(organization_name)
    add_member(organization, user, Role.OWNER)
    return organization


def add_member(organization: Organization, user: User, role: Role) -> Membership:
    membership = Membership(organization=organization, user=user, role=role)
    membership.save(force_insert=True)
    return membership


def create_api_key(
    organization: Organization,
    name: str,
    *,
    scopes: Collection[Scope],
    created_by: User | None = None,
    mode: KeyMode = KeyMode.LIVE,
    purpose: KeyPurpose = KeyPurpose.STANDARD,
    expires_at: datetime | None = None,
) -> IssuedKey:
    text, prefix = keys.make("test" if mode is KeyMode.TEST else "live")
    peppers = wiring.peppers()
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
    )
    key.save(force_insert=True)
    return IssuedKey(key, text)


@transaction.atomic
def revoke_key(principal: Principal, key_id: UUID) -> None:
    """Ends a key; every worker refuses it within a second."""
    principal.require(Scope.ADMIN)
    own = ApiKey.objects.for_organization(principal.organization_id)
    if not own.filter(pk=key_id).exists():
        raise NotFoundError("there is no such key; list yours under /governance/api-keys")
    _revoke(own.filter(pk=key_id, revoked_at=None))


@transaction.atomic
def issue_run_key(organization: Organization) -> str:
    """A key for one start of the local demonstration; those of earlier starts end."""
    own = ApiKey.objects.for_organization(organization.pk)
    _revoke(own.filter(purpose=KeyPurpose.RUN, revoked_at=None))
    name = f"Started {timezone.now():%Y-%m-%d %H:%M}"
    return create_api_key(organization, name, scopes=[Scope.ADMIN], purpose=KeyPurpose.RUN).text


def _require_email(text: str) -> str:
    try:
        validate_email(text.strip())
    except ValidationError as error:
        raise InvalidRequestError(f"{text!r} is no e-mail address", param="email") from error
    return normalised_email(text)


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
def _issue_log_in_key(user: User, membership: Membership) -> IssuedKey:
    # log-ins of one person go one after the other, so that each sees the keys of the others
    User.objects.select_for_update().get(pk=user.pk)
    now = timezone.now()
    issued = create_api_key(
        membership.organization,
        f"Log-in {now:%Y-%m-%d %H:%M}",
        scopes=scopes_of(Role(membership.role)),
        created_by=user,
        purpose=KeyPurpose.LOGIN,
        expires_at=now + LOG_IN_KEY_LIFETIME,
    )
    own = ApiKey.objects.for_organization(membership.organization_id)
    log_ins = own.filter(created_by=user, purpose=KeyPurpose.LOGIN, revoked_at=None)
    _revoke(log_ins.order_by("-created_at", "-id")[LOG_IN_KEYS_AT_ONCE:])
    user.last_login = now
    user.save(update_fields=["last_login"])
    return issued


def _revoke(ending: Iterable[ApiKey]) -> None:
    for key in ending:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        _tell_of_end(key.prefix)


def _tell_of_end(prefix: str) -> None:
    def tell() -> None:
        wiring.key_directory().invalidate(prefix)
        news = wiring.revocations()
        if news is not None:
            news.publish(prefix)

    transaction.on_commit(tell)
