"""Who belongs to an organisation, and as what."""

from django.db import transaction

from accounts import audit
from accounts.actor import Actor
from accounts.models import Membership, Organization, User
from accounts.roles import Role


@transaction.atomic
def add(actor: Actor, organization: Organization, user: User, role: Role) -> Membership:
    """Makes a membership without asking whether the actor may; invitations ask."""
    membership = Membership(organization=organization, user=user, role=role)
    membership.save(force_insert=True)
    audit.record(actor, "member.added", membership, after={"role": role})
    return membership
