"""How good models' answers to an organization's own requests were, and what was learnt from that."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7
from inference.routing import proofs
from inference.routing.proofs import PairSource


class RoutingEvidence(OrganizationScopedModel):
    """One model's answer to one request. Numbers that its words were measured by, and none of its words.

    A row of feedback takes the place of the trial's with the same pair and model.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the indexes below begin with it
    )
    pair_id = models.UUIDField()
    request_id = models.CharField(max_length=proofs.LONGEST_REQUEST_ID)
    model = models.CharField(max_length=proofs.LONGEST_MODEL)
    reference = models.CharField(max_length=proofs.LONGEST_MODEL)  # what the answer was compared with
    task_type = models.CharField(max_length=proofs.LONGEST_TASK_TYPE)
    source = models.TextField(choices=[(source.value, source.value) for source in PairSource])
    score = models.FloatField()
    signals = ArrayField(models.FloatField())
    vector = models.BinaryField(null=True)  # numbers of 16 bits, in the space of `routing.traits`
    occurred_at = models.DateTimeField()

    class Meta(OrganizationScopedModel.Meta):
        verbose_name_plural = "routing evidence"
        indexes = [
            models.Index(fields=["organization", "-id"], name="evidence_by_age"),
            models.Index(fields=["organization", "request_id"], name="evidence_by_request"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organization", "pair_id", "model", "source"], name="evidence_counts_once"),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="evidence_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.score:g}"


class RoutingWeights(OrganizationScopedModel):
    """What was learnt from an organization's evidence, and whether that is good enough to go by.

    `prior`: the version of the shipped weights that these were fitted beside. `newest_id`: the last row that was seen.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the constraint below begins with it
    )
    weights = models.JSONField()
    prior = models.CharField(max_length=32)
    rows = models.IntegerField()
    newest_id = models.UUIDField()
    fitted_at = models.DateTimeField(default=timezone.now)
    is_trusted = models.BooleanField(default=False)
    why_not = models.TextField(blank=True, default="")
    figures = models.JSONField(null=True, blank=True)  # see `routing.earning.Figures`

    class Meta(OrganizationScopedModel.Meta):
        verbose_name_plural = "routing weights"
        constraints = [models.UniqueConstraint(fields=["organization"], name="routing_weights_are_one")]

    def __str__(self) -> str:
        return f"weights of {self.rows} rows"
