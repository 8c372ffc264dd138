"""The ledger's table, and beside it what was said."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7
from analytics.events import CostStatus, EventKind, EventStatus


def _text() -> "models.TextField[str, str]":
    return models.TextField(blank=True, default="", db_default="")


def _count() -> "models.BigIntegerField[int, int]":
    return models.BigIntegerField(default=0, db_default=0)


def _money() -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=38, decimal_places=18, null=True, blank=True)


def _difference() -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=38, decimal_places=18, default=0)


class InferenceEvent(OrganizationScopedModel):
    """One attempt at a provider, or one answer from the cache (see `events.InferenceFacts`).

    Written by the ledger alone, from lines that may be older than it: a new column needs a `db_default`.
    Nothing refers to this table and the database keeps no foreign key of it: rows outlive what they speak of.
    """

    event_id = models.UUIDField(primary_key=True)  # version 7: sorts by time
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,  # a row that arrives after its organization has gone must not stop the ledger
        db_index=False,
    )
    request_id = _text()
    occurred_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    worker = _text()  # the process that began the row; whoever adopts its journal ends what it left open
    status = models.TextField(choices=[(status.value, status.value) for status in EventStatus])
    endpoint = _text()
    key_id = models.UUIDField(null=True, blank=True)
    end_user = _text()
    task_type = _text()
    step_id = _text()
    arm = _text()
    tags = models.JSONField(default=dict, db_default={}, blank=True)

    routing_mode = _text()
    route_reason = _text()
    model_requested = _text()
    model = _text()
    provider = _text()
    service_tier = _text()
    speed = _text()
    geography = _text()
    kind = models.TextField(
        choices=[(kind.value, kind.value) for kind in EventKind],
        default=EventKind.ANSWER,
        db_default=EventKind.ANSWER.value,
    )
    cache_status = _text()
    cache_tier = models.IntegerField(default=0, db_default=0)
    cache_reason = _text()
    cache_similarity = models.FloatField(null=True, blank=True)
    attempt = models.IntegerField(default=1, db_default=1)
    stream = models.BooleanField(default=False, db_default=False)
    http_status = models.IntegerField(default=0, db_default=0)
    error_code = _text()

    tokens_input = _count()
    tokens_cache_read = _count()
    tokens_cache_write = _count()
    tokens_cache_write_long = _count()
    tokens_input_audio = _count()
    tokens_output = _count()
    tokens_output_audio = _count()
    tokens_reasoning = _count()
    web_searches = _count()
    usage_flag = _text()

    cost_usd = _money()
    cost_status = models.TextField(
        choices=[(status.value, status.value) for status in CostStatus],
        default=CostStatus.UNPRICED,
        db_default=CostStatus.UNPRICED.value,
    )
    cost_breakdown = models.JSONField(default=dict, db_default={}, blank=True)
    price_version = _text()
    baseline_model = _text()
    baseline_cost_usd = _money()
    saved_usd = _money()
    prompt_cache_saved_usd = _money()

    quality_score = models.FloatField(null=True, blank=True)
    latency_ms = models.FloatField(default=0.0, db_default=0.0)
    first_token_ms = models.FloatField(null=True, blank=True)
    overhead_ms = models.FloatField(default=0.0, db_default=0.0)

    class Meta(OrganizationScopedModel.Meta):
        indexes = [
            models.Index(
                "organization",
                models.F("occurred_at").desc(),
                models.F("event_id").desc(),
                name="event_recent",
            ),
            models.Index(fields=["organization", "request_id"], name="event_by_request"),
            models.Index(fields=["worker"], condition=Q(status="started"), name="event_started"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="started")
                | Q(cost_usd__isnull=True, cost_status="unpriced")
                | (Q(cost_usd__isnull=False) & ~Q(cost_status="unpriced")),
                name="event_cost_is_null_only_when_unpriced",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in EventStatus]), name="event_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    tokens_input__gte=0,
                    tokens_cache_read__gte=0,
                    tokens_cache_write__gte=0,
                    tokens_cache_write_long__gte=0,
                    tokens_input_audio__gte=0,
                    tokens_output__gte=0,
                    tokens_output_audio__gte=0,
                    tokens_reasoning__gte=0,
                    web_searches__gte=0,
                ),
                name="event_tokens_are_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.status}"


class CostAdjustment(OrganizationScopedModel):
    """What a corrected price changes of one row of the ledger, which itself stays as it is. Amounts are differences.

    Made by `inference.adjusting` alone. A row may be corrected again, to another version.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the index below begins with it
    )
    event_id = models.UUIDField()
    occurred_at = models.DateTimeField()  # of the event
    key_id = models.UUIDField(null=True, blank=True)  # of the event
    old_price_version = _text()  # what the event was priced with
    new_price_version = models.TextField()
    amount_usd = _difference()  # of its cost
    baseline_usd = _difference()
    saved_usd = _difference()
    prompt_cache_saved_usd = _difference()
    was_unpriced = models.BooleanField(default=False)
    reason = _text()
    created_at = models.DateTimeField()

    class Meta(OrganizationScopedModel.Meta):
        indexes = [models.Index(fields=["organization", "occurred_at"], name="adjustment_by_time")]
        constraints = [
            models.UniqueConstraint(fields=["event_id", "new_price_version"], name="adjustment_is_made_once"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_usd} for {self.event_id}"


class KeptContent(OrganizationScopedModel):
    """What one request asked and was answered, where the organization wants that kept.

    Sealed with the AAD `kept_content:<organization>`. How long it stays is read from the organization each time.
    """

    event_id = models.UUIDField(primary_key=True)  # of the ledger's row
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the index below begins with it
    )
    occurred_at = models.DateTimeField()
    sealed = models.BinaryField()

    class Meta(OrganizationScopedModel.Meta):
        indexes = [models.Index(fields=["organization", "occurred_at"], name="content_by_age")]

    def __str__(self) -> str:
        return f"content of {self.event_id}"


class Feedback(OrganizationScopedModel):
    """What one caller says of one request: a key, a person in the browser, or whoever calls without a key.

    Nothing of what was asked or answered stands here. Ids of keys and people outlive them, as in the ledger.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the indexes below begin with it
    )
    request_id = models.CharField(max_length=128)
    key_id = models.UUIDField(null=True, blank=True)
    person_id = models.UUIDField(null=True, blank=True)
    score = models.FloatField(null=True, blank=True)
    task_type = models.CharField(max_length=64, blank=True)
    outcome = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(OrganizationScopedModel.Meta):
        verbose_name_plural = "feedback"
        indexes = [models.Index(fields=["organization", "created_at"], name="feedback_by_age")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "request_id", "key_id", "person_id"],
                name="feedback_once_per_caller",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=5), name="feedback_score_is_a_quality"),
        ]

    def __str__(self) -> str:
        return f"feedback on {self.request_id}"
