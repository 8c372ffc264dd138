"""Colleagues, logged-in browsers and mails, for the stories about organizations."""

import re
from typing import Any

from django.test import Client

from accounts import wiring
from accounts.models import AuditEvent, Membership, Organization, OutgoingEmail, User
from accounts.roles import Role
from accounts.services import members
from tests.accounts.conftest import PASSWORD, Person

BACKEND = "django.contrib.auth.backends.ModelBackend"


def join(owner: Person, name: str, role: Role) -> Membership:
    """A colleague in the owner's organization, who may have an account already."""
    email = f"{name.lower()}@example.com"
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD, full_name=name)
    return members.add(owner.actor, owner.organization, user, role)


def browser(user: User, organization: Organization | None = None) -> Any:
    """Somebody's browser, logged in and switched to an organization."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    if organization is not None:
        client.post("/organizations/switch", {"organization": str(organization.pk)})
    return client


def proven(user: User) -> Any:
    """A browser in which the password was typed again a moment ago."""
    client = browser(user)
    client.post("/reauthenticate", {"password": PASSWORD})
    return client


def roles(owner: Person) -> dict[str, str]:
    """Who belongs to the organization, and as what."""
    rows = Membership.objects.for_organization(owner.organization.pk).select_related("user")
    return {row.user.email.partition("@")[0]: row.role for row in rows}


def acts(owner: Person) -> list[str]:
    rows = AuditEvent.objects.for_organization(owner.organization.pk).order_by("sequence")
    return list(rows.values_list("action", flat=True))


def mails() -> list[str]:
    """The outbox in clear, oldest first."""
    rows = OutgoingEmail.objects.order_by("created_at", "id")
    return [
        wiring.cipher().open(bytes(row.sealed), aad=b"outgoing_email:%s" % str(row.pk).encode()).decode()
        for row in rows
    ]


def tokens() -> list[str]:
    """The tokens of the invitations that were mailed, oldest first."""
    found = [re.search(r"/invitations/([A-Za-z0-9_-]{43})", mail) for mail in mails()]
    return [match.group(1) for match in found if match]
