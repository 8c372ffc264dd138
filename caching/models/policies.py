"""What organizations have set for their caches."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7
from caching.policies import HIGHEST_TOLERANCE, LONGEST_TTL_SECONDS, MOST_AHEAD_PERCENT, MOST_BYTES, Semantic, Wall


class CachePolicy(OrganizationScopedModel):
    """What an organization has set for one namespace, or for all others under `*`. Null or "": not set here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the constraint below begins with it
    )
    namespace = models.CharField(max_length=128)
    is_enabled = models.BooleanField(null=True)
    ttl_seconds = models.PositiveIntegerField(null=True)
    max_entry_bytes = models.PositiveIntegerField(null=True)
    max_bytes = models.PositiveBigIntegerField(null=True)
    refresh_ahead_percent = models.PositiveSmallIntegerField(null=True)
    keep_sampled = models.BooleanField(null=True)
    keep_tool_calls = models.BooleanField(null=True)
    wall = models.TextField(blank=True, default="", choices=[(wall.value, wall.value) for wall in Wall])
    semantic = models.TextField(blank=True, default="", choices=[(mode.value, mode.value) for mode in Semantic])
    semantic_tolerance = models.FloatField(null=True)
    semantic_threshold = models.FloatField(null=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta(OrganizationScopedModel.Meta):
        verbose_name_plural = "cache policies"
        constraints = [
            models.UniqueConstraint(fields=["organization", "namespace"], name="policy_once_per_namespace"),
            models.CheckConstraint(
                condition=Q(ttl_seconds__isnull=True) | Q(ttl_seconds__gte=1, ttl_seconds__lte=LONGEST_TTL_SECONDS),
                name="policy_ttl_is_a_time",
            ),
            models.CheckConstraint(
                condition=Q(max_bytes__isnull=True) | Q(max_bytes__lte=MOST_BYTES), name="policy_bytes_are_counted"
            ),
            models.CheckConstraint(
                condition=Q(refresh_ahead_percent__isnull=True) | Q(refresh_ahead_percent__lte=MOST_AHEAD_PERCENT),
                name="policy_refresh_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(wall__in=["", *(wall.value for wall in Wall)]), name="policy_wall_is_known"
            ),
            models.CheckConstraint(
                condition=Q(semantic__in=["", *(mode.value for mode in Semantic)]), name="policy_semantic_is_known"
            ),
            models.CheckConstraint(
                condition=Q(semantic_tolerance__isnull=True)
                | Q(semantic_tolerance__gt=0, semantic_tolerance__lte=HIGHEST_TOLERANCE),
                name="policy_tolerance_is_small",
            ),
            models.CheckConstraint(
                condition=Q(semantic_threshold__isnull=True) | Q(semantic_threshold__gt=0, semantic_threshold__lte=1),
                name="policy_threshold_is_a_likeness",
            ),
        ]

    def __str__(self) -> str:
        return self.namespace
