"""The audit log: append-only rows, chained by their hashes, one chain per organization."""

from django.db import models

from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7


class AuditHead(OrganizationScopedModel):
    """The end of an organization's chain. Its row is locked while an act is added."""

    organization = models.OneToOneField(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", primary_key=True
    )
    sequence = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"{self.organization_id} at {self.sequence}"


class AuditEvent(OrganizationScopedModel):
    """One act. A trigger refuses every change and removal; only erasing a whole organization takes its chain along.

    People are named by id: their email may change or be erased, the chain may not.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sequence = models.BigIntegerField()  # 1, 2, 3... within the organization
    occurred_at = models.DateTimeField()
    action = models.CharField(max_length=64)  # "api_key.created"
    actor_kind = models.CharField(max_length=8)  # "user", "key", "system"
    actor_user_id = models.UUIDField(null=True, blank=True)
    actor_key_id = models.UUIDField(null=True, blank=True)
    actor_role = models.CharField(max_length=16, blank=True)  # the role then
    object_kind = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta(OrganizationScopedModel.Meta):
        constraints = [models.UniqueConstraint(fields=["organization", "sequence"], name="audit_sequence_is_unique")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"
