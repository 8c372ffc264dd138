"""When tier 2 was told to let go of what."""

from django.db import models
from django.utils import timezone

from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7


class SemanticPurge(OrganizationScopedModel):
    """What was asked for before is not kept any more: anywhere, in a namespace, or in one place (see `places.marks`).

    Measured by the database's clock, for the clocks of workers differ.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the constraint below begins with it
    )
    what = models.TextField(blank=True)
    purged_at = models.DateTimeField(default=timezone.now)

    class Meta(OrganizationScopedModel.Meta):
        constraints = [models.UniqueConstraint(fields=["organization", "what"], name="purge_is_marked_once")]

    def __str__(self) -> str:
        return f"purge of {self.what or 'everything'}"
