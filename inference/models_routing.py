"""What organizations have set for their routing, and what their requests have proven."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7
from inference.routing import policies, proofs
from inference.routing.policies import CascadeUse
from inference.routing.proofs import PairSource, ProofState


def _between(name: str, least: float, most: float) -> Q:
    return Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": least, f"{name}__lte": most})


class RoutingPolicy(OrganizationScopedModel):
    """What an organization has set. Null or "": not set."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the constraint below begins with it
    )
    quality_threshold = models.FloatField(null=True)
    epsilon = models.FloatField(null=True)
    explores = models.BooleanField(null=True)
    explore_percent = models.FloatField(null=True)
    holdout_percent = models.FloatField(null=True)
    cascades = models.TextField(blank=True, default="", choices=[(each.value, each.value) for each in CascadeUse])
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta(OrganizationScopedModel.Meta):
        verbose_name_plural = "routing policies"
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="routing_policy_is_one"),
            models.CheckConstraint(
                condition=_between("quality_threshold", 0, policies.HIGHEST_QUALITY),
                name="routing_threshold_is_a_quality",
            ),
            models.CheckConstraint(
                condition=_between("epsilon", proofs.LEAST_EPSILON, proofs.MOST_EPSILON), name="routing_loss_is_small"
            ),
            models.CheckConstraint(
                condition=_between("explore_percent", 0, policies.HIGHEST_EXPLORE_PERCENT),
                name="routing_trials_are_a_share",
            ),
            models.CheckConstraint(
                condition=_between("holdout_percent", 0, policies.HIGHEST_HOLDOUT_PERCENT),
                name="routing_holdout_is_small",
            ),
            models.CheckConstraint(
                condition=Q(cascades__in=["", *(each.value for each in CascadeUse)]), name="routing_cascades_are_known"
            ),
        ]

    def __str__(self) -> str:
        return "routing policy"


class RoutingProof(OrganizationScopedModel):
    """How a cheaper model stands against a dearer one for one kind of task: see `routing.proofs.Standing`.

    Changed by `services_proofs` alone. `history` holds its last changes, the newest last.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the constraint below begins with it
    )
    task_type = models.CharField(max_length=proofs.LONGEST_TASK_TYPE)
    model = models.CharField(max_length=proofs.LONGEST_MODEL)
    reference = models.CharField(max_length=proofs.LONGEST_MODEL)
    epsilon = models.FloatField()
    state = models.TextField(
        choices=[(state.value, state.value) for state in ProofState], default=ProofState.PRIOR.value
    )
    pairs = models.IntegerField(default=0)
    losses = models.IntegerField(default=0)
    alarms = models.JSONField(default=list, blank=True)
    since = models.DateTimeField(default=timezone.now)
    fresh_after = models.DateTimeField(null=True, blank=True)  # older pairs no longer count
    last_pair_at = models.DateTimeField(null=True, blank=True)
    history = models.JSONField(default=list, blank=True)

    class Meta(OrganizationScopedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "task_type", "model", "reference"], name="proof_is_one_of_its_kind"
            ),
            models.CheckConstraint(
                condition=_between("epsilon", proofs.LEAST_EPSILON, proofs.MOST_EPSILON),
                name="proof_is_of_a_small_loss",
            ),
            models.CheckConstraint(
                condition=Q(losses__gte=0, pairs__gte=models.F("losses")), name="proof_loses_no_more_than_it_has"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} for {self.reference}, {self.task_type}: {self.state}"


class RoutingPair(OrganizationScopedModel):
    """One pair of a proof. Nothing of what was asked or answered stands here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    proof = models.ForeignKey(
        RoutingProof,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the indexes below begin with it
    )
    lost = models.BooleanField()
    method = models.CharField(max_length=proofs.LONGEST_METHOD)
    source = models.TextField(choices=[(source.value, source.value) for source in PairSource])
    request_id = models.CharField(max_length=proofs.LONGEST_REQUEST_ID)
    occurred_at = models.DateTimeField()

    class Meta(OrganizationScopedModel.Meta):
        indexes = [models.Index(fields=["proof", "occurred_at"], name="pair_by_age")]
        constraints = [
            models.UniqueConstraint(
                fields=["proof", "request_id"],
                condition=Q(source=PairSource.FEEDBACK.value),
                name="pair_of_feedback_counts_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {'lost' if self.lost else 'kept'}"
