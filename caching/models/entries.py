"""Questions and their answers, kept for those who ask nearly the same."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from pgvector.django import HalfVectorField

from accounts.tenancy import OrganizationScopedModel


def _text() -> "models.TextField[str, str]":
    return models.TextField(blank=True, default="", db_default="")


class SemanticEntry(OrganizationScopedModel):
    """A question and its answer, for those who ask nearly the same (tier 2).

    Both are sealed, see `backends.sealed_entries`; the vector is not, for PostgreSQL compares it. It is absent where
    another store holds the vectors. Its length is its space's, so the column has none; approximate indexes are made
    beside the migrations, see `semantic_indexes`.
    """

    id = models.UUIDField(primary_key=True)  # version 7
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the indexes below begin with it
    )
    namespace = models.TextField()
    partition = models.BinaryField()
    fingerprint = models.BinaryField()
    space = models.TextField()
    embedding = HalfVectorField(null=True, blank=True)
    question = models.BinaryField()
    answer = models.BinaryField()
    model = _text()
    provider = _text()
    task_type = _text()
    tags = models.JSONField(default=dict, db_default={}, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ttl_seconds = models.IntegerField(default=0, db_default=0)  # once more, where its time begins anew
    hits = models.IntegerField(default=0, db_default=0)
    last_hit_at = models.DateTimeField(null=True, blank=True)
    is_pinned = models.BooleanField(default=False, db_default=False)  # neither expires nor makes room
    marked_wrong_at = models.DateTimeField(null=True, blank=True)  # is not served any more

    class Meta(OrganizationScopedModel.Meta):
        verbose_name_plural = "semantic entries"
        indexes = [
            models.Index(fields=["organization", "namespace", "partition", "space"], name="semantic_by_partition"),
            models.Index(fields=["expires_at"], condition=Q(is_pinned=False), name="semantic_by_end"),
            models.Index(fields=["space"], name="semantic_by_space"),
            models.Index(fields=["organization", "-created_at", "-id"], name="semantic_by_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "namespace", "fingerprint", "space"], name="semantic_request_is_kept_once"
            ),
        ]

    def __str__(self) -> str:
        return f"question {self.pk}"
