"""The price book: which price sheet held for a model, and when; and the tables of its neighbours."""

from django.db import models
from django.db.models import F, Q

from acron_site.lib.ids import uuid7
from inference.models_evidence import RoutingEvidence, RoutingWeights
from inference.models_routing import RoutingPair, RoutingPolicy, RoutingProof

__all__ = ["PriceEntry", "RoutingEvidence", "RoutingPair", "RoutingPolicy", "RoutingProof", "RoutingWeights"]


class PriceEntry(models.Model):
    """One model's sheet from `valid_from` until `valid_to`. Operators' data: the same for every organization.

    Rows are only added, and closed once by their `valid_to`; the database refuses every other change, and entries of
    one model that overlap.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.TextField()
    model = models.TextField()
    sheet = models.JSONField()  # as the models file has it; every figure is a text, so that none passes through a float
    version = models.TextField(db_index=True)  # what rows of the ledger name as their `price_version`
    source = models.TextField(blank=True, default="")
    as_of = models.DateField()
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    imported_at = models.DateTimeField(auto_now_add=True)
    note = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "price entries"
        constraints = [
            models.UniqueConstraint(fields=["model"], condition=Q(valid_to=None), name="price_has_one_open_entry"),
            models.UniqueConstraint(fields=["model", "valid_from"], name="price_begins_once"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="price_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.version}"
