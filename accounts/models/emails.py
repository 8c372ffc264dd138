"""Emails on their way out."""

from django.db import models
from django.utils import timezone

from acron_site.lib.ids import uuid7


class OutgoingEmail(models.Model):
    """An email that was decided on in a transaction and is sent after it. Removed once it is sent.

    Sealed whole (recipient, subject, text) with the AAD `outgoing_email:<id>`: it may hold links that open an account.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    last_error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"email {self.pk}"
