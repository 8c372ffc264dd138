"""Which neighbour was served to whom, for those who find that it was the wrong one."""

from django.db import models

from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7
from caching import gate_rules


class SemanticServing(OrganizationScopedModel):
    """One answer that was given to a near question. Nothing of what was asked or answered stands here.

    A complaint about it becomes the check of the same id, so that it counts once, whoever complains how often.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the indexes below begin with it
    )
    request_id = models.CharField(max_length=gate_rules.LONGEST_REQUEST_ID)
    neighbour_id = models.UUIDField()
    namespace = models.CharField(max_length=gate_rules.LONGEST_NAMESPACE)
    task_type = models.CharField(max_length=gate_rules.LONGEST_TASK_TYPE, blank=True)
    space = models.CharField(max_length=gate_rules.LONGEST_SPACE)
    likeness_version = models.CharField(max_length=gate_rules.LONGEST_VERSION)
    score = models.FloatField()
    similarity = models.FloatField()
    served_at = models.DateTimeField()

    class Meta(OrganizationScopedModel.Meta):
        indexes = [
            models.Index(fields=["organization", "request_id"], name="serving_by_request"),
            models.Index(fields=["organization", "neighbour_id", "served_at"], name="serving_by_neighbour"),
            models.Index(fields=["organization", "served_at"], name="serving_by_age"),
        ]

    def __str__(self) -> str:
        return f"serving of {self.neighbour_id}"
