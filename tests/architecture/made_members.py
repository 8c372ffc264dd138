"""Makes the members and invitations that lines of the ACCESS table name."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts import actor as actors
from accounts import invitation_links
from accounts.models import Invitation, Membership, User
from accounts.roles import Role
from accounts.services import members


def a_member(organization: Any) -> dict[str, Any]:
    user = User.objects.create_user(f"{uuid4().hex}@example.com")
    return {"member_id": members.add(actors.system(organization.pk), organization, user, Role.MEMBER).pk}


def an_invitation(organization: Any) -> dict[str, Any]:
    return {"invitation_id": _invitation(organization, "edsger@example.com")[0].pk}


def an_invitation_link(organization: Any) -> dict[str, Any]:
    """To whoever joined last: the caller of a page, if it is one."""
    newest = Membership.objects.for_organization(organization.pk).order_by("-created_at", "-id").first()
    return {"token": _invitation(organization, newest.user.email if newest else "edsger@example.com")[1]}


def as_heir(organization: Any) -> dict[str, Any]:
    return {"member_id": str(a_member(organization)["member_id"])}


def as_choice(organization: Any) -> dict[str, Any]:
    return {"organization": str(organization.pk)}


def _invitation(organization: Any, email: str) -> tuple[Invitation, str]:
    token = invitation_links.new_token()
    invitation = Invitation(
        organization=organization,
        email=email,
        role=Role.MEMBER,
        digest=invitation_links.digest_of(token),
        expires_at=timezone.now() + timedelta(days=7),
    )
    invitation.save(force_insert=True)
    return invitation, token
