"""Keys of organizations at providers, write-only."""

from django.db import models
from django.utils import timezone

from accounts.models.people import User
from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7
from acron_site.lib.outbound import LONGEST_URL


class ProviderCredential(OrganizationScopedModel):
    """Only a key's last four characters are ever shown. It is sealed for its organization and `base_url`, see
    `accounts.provider_keys.place_of`: in a row that was changed it does not open."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=64)
    sealed = models.BinaryField()
    # where the key is sent: an endpoint of the organization's own; "": the provider's. Workers of before write none
    base_url = models.CharField(max_length=LONGEST_URL, blank=True, default="", db_default="")
    last_four = models.CharField(max_length=4)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_result = models.CharField(max_length=300, blank=True)  # "ok", or what the provider said

    class Meta(OrganizationScopedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "provider"], name="provider_credential_once_per_provider")
        ]

    def __str__(self) -> str:
        return f"{self.provider} of {self.organization_id}"
