"""Founding organizations, and what is set for them."""

import secrets
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import actor as actors
from accounts import audit
from accounts.actor import Actor, Origin
from accounts.models import KeyPurpose, Membership, Organization, User, normalised_email
from accounts.rights import Right
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, email_addresses
from acron_site.lib.errors import ConflictError, InvalidRequestError, NotFoundError

OWNED_AT_MOST = 20
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Founded:
    """`password` is set when the owner is new."""

    user: User
    organization: Organization
    api_key: str = field(repr=False)
    password: str | None = field(repr=False, default=None)


@transaction.atomic
def found(name: str, owner_email: str) -> Founded:
    """An operator's way to an organization with its owner, who gets a password if they are new."""
    email = require_email(owner_email)
    user, password = User.objects.filter(email=email).first(), None
    if user is not None:
        organization = found_for(user, name)
    else:
        user, password = User(email=email), secrets.token_urlsafe(12)
        user.set_password(password)
        organization = found_with_owner(user, name, is_verified=True)
    actor = actors.system(organization.pk)
    issued = api_keys.issue(actor, organization, "First key", scopes=[Scope.ADMIN], created_by=user)
    return Founded(user=user, organization=organization, api_key=issued.text, password=password)


@transaction.atomic
def found_with_owner(
    user: User, organization_name: str, *, origin: Origin | None = None, is_verified: bool = False
) -> Organization:
    """Saves a new person as the owner of a new organization. Raises ConflictError when the email is taken."""
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise ConflictError(
            "there can be no new account with this email; if it is yours, log in or reset the password",
            param="email",
        ) from None
    email_addresses.keep(user, is_verified=is_verified)
    return found_for(user, organization_name, origin=origin)


@transaction.atomic
def found_another(user: User, name: str, *, origin: Origin | None = None) -> Organization:
    """One more organization of somebody who has an account. Nobody owns more than twenty."""
    name = require_name(name)
    # one after the other, so that each counts the others
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if user.memberships.filter(role=Role.OWNER).count() >= OWNED_AT_MOST:
        raise ConflictError(
            f"nobody can own more than {OWNED_AT_MOST} organizations; delete one, or hand its ownership on"
        )
    return found_for(user, name, origin=origin)


@transaction.atomic
def rename(actor: Actor, name: str) -> Organization:
    """Changes the name; the slug, which others may have written down, stays."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    name = require_name(name)
    organization = lock(actor.organization_id)
    if organization.name == name:
        return organization
    before, organization.name = organization.name, name
    organization.save(update_fields=["name"])
    audit.record(actor, "organization.renamed", organization, before={"name": before}, after={"name": name})
    return organization


def lock(organization_id: UUID) -> Organization:
    """Holds the organization until the transaction is through: changes of who belongs to it go one by one.

    No stronger lock: a row that points to the organization takes a light one on it when its transaction ends, and may
    hold the end of the audit log by then, which whoever waits here wants next.
    """
    found = Organization.objects.select_for_update(no_key=True).filter(pk=organization_id).first()
    if found is None:
        raise NotFoundError("this organization was deleted")
    return found


def require_name(text: str) -> str:
    """A name that can stand in a page, a mail and a log line."""
    name = text.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidRequestError(
            f"the name must have 1 to {LONGEST_NAME} characters, all of them visible", param="name"
        )
    return name


@transaction.atomic
def found_for(user: User, name: str, *, origin: Origin | None = None) -> Organization:
    """A new organization, owned by somebody who is there already."""
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
    """An organization with the nicest slug that is still free."""
    slug = slugify(name)[:50] or "organization"
    for candidate in (slug, f"{slug}-{secrets.token_hex(4)}"):
        try:
            with transaction.atomic():
                return Organization.objects.create(name=name, slug=candidate)
        except IntegrityError:
            continue
    raise ConflictError(f"no free address for an organization called {name!r}; try another name")


def require_email(text: str) -> str:
    """The address in the one spelling under which it is kept."""
    try:
        validate_email(text.strip())
    except ValidationError as error:
        raise InvalidRequestError(f"{text!r} is no email address", param="email") from error
    return normalised_email(text)
