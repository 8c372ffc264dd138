"""What the semantic tier has proven, and from what."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7
from caching import gate_rules
from caching.gate_rules import CheckSource, GateState


class SemanticGate(OrganizationScopedModel):
    """Whether and from which score on kept answers are given to near questions: see `gate_rules.Standing`.

    Changed by `services_gates` alone. `history` holds its last changes, the newest last.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the constraint below begins with it
    )
    namespace = models.CharField(max_length=gate_rules.LONGEST_NAMESPACE)
    task_type = models.CharField(max_length=gate_rules.LONGEST_TASK_TYPE, blank=True)
    space = models.CharField(max_length=gate_rules.LONGEST_SPACE)
    likeness_version = models.CharField(max_length=gate_rules.LONGEST_VERSION)
    state = models.TextField(
        choices=[(state.value, state.value) for state in GateState], default=GateState.SHADOW.value
    )
    threshold = models.FloatField(null=True, blank=True)
    tolerance = models.FloatField()
    sample_rate = models.FloatField(default=1.0)
    reason = models.TextField(blank=True)
    checked = models.IntegerField(default=0)
    wrong = models.IntegerField(default=0)
    upper_bound = models.FloatField(default=1.0)
    needed = models.IntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)
    fresh_after = models.DateTimeField(null=True, blank=True)
    off_until = models.DateTimeField(null=True, blank=True)
    calibrated_at = models.DateTimeField(null=True, blank=True)
    history = models.JSONField(default=list, blank=True)

    class Meta(OrganizationScopedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "namespace", "task_type", "space", "likeness_version"],
                name="gate_is_one_of_its_kind",
            ),
            models.CheckConstraint(
                condition=~Q(state=GateState.SERVING.value) | Q(threshold__isnull=False),
                name="gate_serves_from_a_threshold",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.namespace} {self.task_type}: {self.state}"


class SemanticCheck(OrganizationScopedModel):
    """One comparison of a kept answer with a fresh one. Nothing of what was asked or answered stands here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    gate = models.ForeignKey(
        SemanticGate,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the index below begins with it
    )
    score = models.FloatField()
    similarity = models.FloatField()
    agrees = models.BooleanField()
    method = models.CharField(max_length=gate_rules.LONGEST_METHOD)
    source = models.TextField(choices=[(source.value, source.value) for source in CheckSource])
    sample_rate = models.FloatField(default=1.0)
    neighbour_id = models.UUIDField()
    request_id = models.CharField(max_length=gate_rules.LONGEST_REQUEST_ID)
    occurred_at = models.DateTimeField()

    class Meta(OrganizationScopedModel.Meta):
        indexes = [models.Index(fields=["gate", "occurred_at"], name="check_by_age")]

    def __str__(self) -> str:
        return f"{self.source} check at {self.score}"
