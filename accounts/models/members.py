"""Who belongs where, and who is invited."""

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.people import User
from accounts.roles import Role
from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7

_ROLES = [(role.value, role.name.title()) for role in Role]


class Membership(OrganizationScopedModel):
    """A person's place in an organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=_ROLES)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(OrganizationScopedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once_per_organization"),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.organization_id}"


class Invitation(OrganizationScopedModel):
    """An offer of membership, sent to an email address. Of its token only a digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=_ROLES)
    digest = models.BinaryField(max_length=32, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(OrganizationScopedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                "organization",
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_once_while_open",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]), name="invitation_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk} to {self.organization_id}"
