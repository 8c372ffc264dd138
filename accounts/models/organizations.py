"""Organizations: the tenants."""

from django.db import models
from django.utils import timezone

from acron_site.lib.ids import uuid7


class Organization(models.Model):
    """A tenant: everything else belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=64, unique=True)
    # what callers asked and were answered is not kept unless the organization wants it, and for how long
    keeps_content = models.BooleanField(default=False, db_default=False)
    content_retention_days = models.PositiveSmallIntegerField(default=30, db_default=30)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name
