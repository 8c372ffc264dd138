"""How an organization's own key at a provider is sealed and opened."""

from uuid import UUID

from accounts.encryption import Cipher, DecryptionError
from accounts.principal import ProviderKey
from acron_site.lib.errors import AcronError


class UnreadableProviderKeyError(AcronError):
    """The organization's key is there but does not open. Nothing was sent to the provider."""

    status, code, type = 503, "provider_key_unreadable", "api_error"


def place_of(organization_id: UUID, base_url: str = "") -> bytes:
    """The AAD: sealed for one organization and one endpoint, a key opens for no other."""
    endpoint = f":{base_url}" if base_url else ""
    return f"provider_credential:{organization_id}{endpoint}".encode()


def secret_of(key: ProviderKey, organization_id: UUID, cipher: Cipher) -> str:
    """Raises UnreadableProviderKeyError, which says who can mend it."""
    try:
        return cipher.open(key.sealed, aad=place_of(organization_id, key.base_url)).decode()
    except DecryptionError:
        raise UnreadableProviderKeyError(
            f"your organization's own {key.provider} key cannot be opened; enter it again under /settings/providers, "
            "or have the operator add the former key to ASAHI_ENCRYPTION_KEY",
            headers={"x-should-retry": "false"},
        ) from None
