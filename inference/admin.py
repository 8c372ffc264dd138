"""The price book in the operators' admin: to look at, not to change."""

from django.contrib import admin

from acron_site.lib.admin import LookOnly
from inference.models import PriceEntry


@admin.register(PriceEntry)
class PriceEntryAdmin(LookOnly):
    list_display = ("model", "provider", "version", "as_of", "valid_from", "valid_to")
    list_filter = ("provider",)
    search_fields = ("model", "version")
    ordering = ("model", "-valid_from")
    shown = (
        "provider", "model", "version", "sheet", "source", "as_of", "valid_from", "valid_to", "imported_at", "note",
    )  # fmt: skip
