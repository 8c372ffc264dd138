"""Founding organisations."""

import secrets
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import actor as actors
from accounts import audit
from accounts.actor import Origin
from accounts.models import KeyPurpose, Membership, Organization, User, normalised_email
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys
from acron_site.lib.errors import ConflictError, InvalidRequestError


@dataclass(frozen=True, slots=True)
class Founded:
    """`password` is set when the owner is new."""

    user: User
    organization: Organization
    api_key: str = field(repr=False)
    password: str | None = field(repr=False, default=None)


@transaction.atomic
def found(name: str, owner_email: str) -> Founded:
    """An operator's way to an organisation with its owner, who gets a password if they are new."""
    email = _require_email(owner_email)
    user, password = User.objects.filter(email=email).first(), None
    if user is not None:
        organization = found_for(user, name)
    else:
        user, password = User(email=email), secrets.token_urlsafe(12)
        user.set_password(password)
        organization = found_with_owner(user, name)
    actor = actors.system(organization.pk)
    issued = api_keys.issue(actor, organization, "First key", scopes=[Scope.ADMIN], created_by=user)
    return Founded(user=user, organization=organization, api_key=issued.text, password=password)


@transaction.atomic
def found_with_owner(user: User, organization_name: str, *, origin: Origin | None = None) -> Organization:
    """Saves a new person as the owner of a new organisation. Raises ConflictError when the e-mail is taken."""
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise ConflictError(
            "there can be no new account with this e-mail; if it is yours, log in or reset the password",
            param="email",
        ) from None
    return found_for(user, organization_name, origin=origin)


@transaction.atomic
def found_for(user: User, name: str, *, origin: Origin | None = None) -> Organization:
    """A new organisation, owned by somebody who is there already."""
    organization = create(name)
    Membership(organization=organization, user=user, role=Role.OWNER).save(force_insert=True)
    actor = actors.person(organization.pk, user.pk, Role.OWNER, origin)
    audit.record(actor, "organization.created", organization, after={"name": name, "slug": organization.slug})
    return organization


def issue_sign_up_key(user: User, organization: Organization, *, origin: Origin | None = None) -> str:
    """The key that a founder starts with: it may do everything there."""
    actor = actors.person(organization.pk, user.pk, Role.OWNER, origin)
    issued = api_keys.issue(
        actor, organization, "Sign-up", scopes=[Scope.ADMIN], created_by=user, purpose=KeyPurpose.SIGN_UP
    )
    return issued.text


def create(name: str) -> Organization:
    """An organisation with the nicest slug that is still free."""
    slug = slugify(name)[:50] or "organization"
    for candidate in (slug, f"{slug}-{secrets.token_hex(4)}"):
        try:
            with transaction.atomic():
                return Organization.objects.create(name=name, slug=candidate)
        except IntegrityError:
            continue
    raise ConflictError(f"no free address for an organisation called {name!r}; try another name")


def _require_email(text: str) -> str:
    try:
        validate_email(text.strip())
    except ValidationError as error:
        raise InvalidRequestError(f"{text!r} is no e-mail address", param="email") from error
    return normalised_email(text)
