"""Reading which provider keys an organization has brought, without the keys."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import ProviderCredential
from accounts.principal import ProviderKey


@dataclass(frozen=True, slots=True)
class KeptCredential:
    """All that is ever shown of a key. `test_result` is "" until it was tested, then "ok" or what went wrong.

    `base_url`: the endpoint of the organization's own that it is sent to; "": the provider's.
    """

    provider: str
    base_url: str
    last_four: str
    created_at: datetime
    tested_at: datetime | None
    test_result: str


def kept(organization_id: UUID) -> dict[str, KeptCredential]:
    """By provider."""
    own = ProviderCredential.objects.for_organization(organization_id).order_by("provider")
    return {
        each.provider: KeptCredential(
            provider=each.provider,
            base_url=each.base_url,
            last_four=each.last_four,
            created_at=each.created_at,
            tested_at=each.tested_at,
            test_result=each.test_result,
        )
        for each in own
    }


def provider_keys(organization_id: UUID) -> tuple[ProviderKey, ...]:
    """What a principal carries, for those that are not read from a key's record: commands, people in the browser."""
    own = ProviderCredential.objects.for_organization(organization_id)
    return tuple(ProviderKey(each.pk, each.provider, bytes(each.sealed), each.base_url) for each in own)
