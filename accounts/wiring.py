"""Puts the parts of accounts together from the settings: one set per process."""

from functools import cache
from uuid import UUID

from django.conf import settings

from accounts import keys
from accounts.database_records import DatabaseRecords
from accounts.directory import KeyDirectory
from accounts.encryption import Cipher, cipher_from
from accounts.keys import Peppers
from accounts.principal import Principal
from accounts.revocations import RedisRevocations, Revocations
from accounts.scopes import Scope
from acron_site.lib.config import Config, SettingsError, reach_of
from acron_site.lib.outbound import Reach


@cache
def key_directory() -> KeyDirectory:
    config: Config = settings.ACRON
    return KeyDirectory(
        DatabaseRecords(),
        peppers(),
        ttl_seconds=config.governance.key_cache_ttl_seconds,
        revocations=revocations(),
        anonymous=anonymous_principal(config),
    )


@cache
def peppers() -> Peppers:
    return keys.read_peppers(settings.KEY_PEPPERS, settings.SECRET_KEY)


@cache
def cipher() -> Cipher:
    """Seals and opens what is kept at rest."""
    return cipher_from(settings.ENCRYPTION_KEY)


def reach() -> Reach:
    """Where addresses that organizations supply may lead."""
    return reach_of(settings.ACRON)


@cache
def revocations() -> Revocations | None:
    """None without Redis: then every process reads its keys again after a second."""
    return RedisRevocations(settings.REDIS_URL) if settings.REDIS_URL else None


def anonymous_principal(config: Config) -> Principal | None:
    """Who calls without a key act as. Managing keys and people always takes a key or a log-in."""
    name = config.governance.anonymous_organization
    if config.governance.auth_api_key_required or not name:
        return None
    try:
        organization_id = UUID(name)
    except ValueError:
        raise SettingsError(
            f"ASAHI_GOVERNANCE_ANONYMOUS_ORGANIZATION must be the id of an organization, not {name!r}"
        ) from None
    return Principal(organization_id=organization_id, scopes=frozenset({Scope.INFER, Scope.ANALYTICS}))
