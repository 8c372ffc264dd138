"""System checks: what would fail later is said at the start, or before a deployment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from acron_site.lib.config import Config
from inference import catalog as catalogs


@register
def models_file(**_: Any) -> list[CheckMessage]:
    config: Config = settings.ACRON
    path = Path(settings.BASE_DIR) / config.providers.models_file
    try:
        catalogs.load(path, settings.ENVIRON, mock=config.providers.mock)
    except (catalogs.CatalogError, OSError) as error:
        hint = "Correct the file, or set ASAHI_PROVIDERS_MODELS_FILE to another one."
        return [Error(f"{config.providers.models_file}: {error}", hint=hint, id="acron.E001")]
    return []


@register(Tags.database)
def pgvector(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Runs with `migrate` and with `check --database default`, when there is a database to ask."""
    if "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
        if cursor.fetchone():
            return []
    hint = "Install pgvector 0.7 or newer on the database server, or unset DATABASE_URL for the embedded one."
    return [Error("PostgreSQL has no pgvector.", hint=hint, id="acron.E002")]


@register
def encryption_key(**_: Any) -> list[CheckMessage]:
    if settings.ENCRYPTION_KEY:
        return []
    hint = "Set ASAHI_ENCRYPTION_KEY to a passphrase, for example to the output of: openssl rand -hex 32"
    return [checks.Warning("What is kept at rest is not encrypted.", hint=hint, id="acron.W001")]


@register(Tags.security, deploy=True)
def own_secrets(**_: Any) -> list[CheckMessage]:
    if not settings.GENERATED_SECRETS:
        return []
    names = ", ".join(settings.GENERATED_SECRETS)
    hint = "Set them in the environment: they are lost with this machine's data directory, and differ on the next."
    return [checks.Warning(f"Secrets made for trying it out are in use: {names}.", hint=hint, id="acron.W002")]
