"""Looks at everything the product leans on, and says how to mend what is broken."""

import asyncio
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts import resealing
from accounts import wiring as accounts
from accounts.database_records import count_by_pepper
from acron_site import serving
from acron_site.lib.config import Config, SettingsError
from analytics import wiring as analytics
from caching import wiring as caching
from caching.embedders import hashing
from caching.protocols import EmbeddingError, Purpose, Space
from inference import catalog as catalogs
from inference import price_book
from inference.wiring import load_catalog

_MIB = 1024 * 1024
_LEAST_FREE_BYTES = 500 * _MIB
_OLDEST_POSTGRES = 150_000
_OLDEST_PGVECTOR = (0, 7)
_OLDEST_REDIS = (6, 2)
_OLD_BACKLOG_SECONDS = 300.0
# a model is loaded, an SDK imported first
_EMBEDDER_PATIENCE_MS = 30_000


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    verdict: Verdict
    says: str
    fix: str = ""


def findings() -> Iterator[Finding]:
    """One finding for each dependency, in the order in which one would mend them."""
    for look in _LOOKS:
        yield look()


def _good(subject: str, says: str) -> Finding:
    return Finding(subject, Verdict.OK, says)


def _python() -> Finding:
    return _good("python", platform.python_version())


def _data_dir() -> Finding:
    folder: Path = settings.DATA_DIR
    probe = folder / ".doctor"
    try:
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        fix = "make it writable, or set ASAHI_STORAGE_DATA_DIR to another folder"
        return Finding("data directory", Verdict.FAILED, f"{folder}: {error.strerror}", fix)
    free = shutil.disk_usage(folder).free
    says = f"{folder}, {free // _MIB:,} MiB free"
    if free < _LEAST_FREE_BYTES:
        return Finding("data directory", Verdict.WARNING, says, "free some space: the ledger's journal lies here")
    return _good("data directory", says)


def _database() -> Finding:
    subject = "database"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
            number, version = cursor.fetchone()
    except DatabaseError as error:
        fix = "start PostgreSQL, or correct DATABASE_URL, or unset it for the embedded one"
        return Finding(subject, Verdict.FAILED, _first_line(error), fix)
    if number < _OLDEST_POSTGRES:
        return Finding(subject, Verdict.FAILED, f"PostgreSQL {version}", "use PostgreSQL 15 or newer")
    return _good(subject, f"PostgreSQL {version}")


def _pgvector() -> Finding:
    subject = "pgvector"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
            row = cursor.fetchone()
    except DatabaseError as error:
        return Finding(subject, Verdict.FAILED, _first_line(error), "see database")
    if row is None or _version(row[0]) < _OLDEST_PGVECTOR:
        fix = "install pgvector 0.7 or newer on the database server"
        return Finding(subject, Verdict.FAILED, row[0] if row else "not installed", fix)
    return _good(subject, row[0])


def _migrations() -> Finding:
    subject = "migrations"
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Finding(subject, Verdict.FAILED, _first_line(error), "see database")
    if waiting:
        return Finding(subject, Verdict.FAILED, f"{len(waiting)} not applied", "run: python manage.py migrate")
    return _good(subject, "all applied")


def _redis() -> Finding:
    config: Config = settings.ACRON
    if config.cache.backend == "memory" or not settings.REDIS_URL:
        fix = "for more than one process set ASAHI_CACHE_BACKEND=redis"
        return Finding("redis", Verdict.WARNING, "not used, the cache is in this process' memory", fix)
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            version = str(client.info("server")["redis_version"])
    except (redis.RedisError, OSError, ValueError) as error:
        fix = "start Redis, or correct REDIS_URL, or unset it for the embedded one"
        return Finding("redis", Verdict.FAILED, _first_line(error), fix)
    if _version(version) < _OLDEST_REDIS:
        return Finding("redis", Verdict.FAILED, version, "use Redis 6.2 or newer")
    return _good("redis", version)


def _secrets() -> Finding:
    if settings.GENERATED_SECRETS:
        names = ", ".join(settings.GENERATED_SECRETS)
        says = f"made by ACRON for trying it out: {names}"
        fix = f"set them in the environment for real use; those in use are in {settings.DATA_DIR / 'secrets.json'}"
        return Finding("secrets", Verdict.WARNING, says, fix)
    return _good("secrets", "set in the environment")


def _encryption() -> Finding:
    subject = "encryption"
    if not settings.ENCRYPTION_KEY:
        fix = "set ASAHI_ENCRYPTION_KEY, for example to the output of: openssl rand -hex 32"
        return Finding(subject, Verdict.WARNING, "what is kept at rest is not encrypted", fix)
    try:
        unreadable = resealing.unreadable(accounts.cipher())
    except DatabaseError as error:
        return Finding(subject, Verdict.FAILED, _first_line(error), "see database")
    if unreadable:
        says = ", ".join(f"{count:,} {name}" for name, count in unreadable.items())
        fix = "add the former key to ASAHI_ENCRYPTION_KEY after a comma, then run: manage.py rotate_encryption_keys"
        return Finding(subject, Verdict.FAILED, f"under a key that is not set: {says}", fix)
    return _good(subject, "everything that has to last can be opened")


def _peppers() -> Finding:
    subject, peppers = "key peppers", accounts.peppers()
    try:
        counts = count_by_pepper()
    except DatabaseError as error:
        return Finding(subject, Verdict.FAILED, _first_line(error), "see database")
    lost = sorted(set(counts) - set(peppers.by_id))
    if lost:
        says = f"{sum(counts[each] for each in lost)} keys were digested under pepper {', '.join(map(str, lost))}"
        return Finding(subject, Verdict.FAILED, says, "list it in ASAHI_KEY_PEPPERS again, or these keys are refused")
    former = sum(count for pepper_id, count in counts.items() if pepper_id != peppers.current_id)
    if former:
        says = f"{former} keys still hang on another pepper than {peppers.current_id}"
        return Finding(subject, Verdict.WARNING, says, "leave the others listed: each key moves on when it is used")
    return _good(subject, f"all keys are under pepper {peppers.current_id}")


def _providers() -> Finding:
    present = [name for name in serving.PROVIDER_KEYS if settings.ENVIRON.get(name)]
    if not present:
        fix = f"set one of {', '.join(serving.PROVIDER_KEYS)}; until then only the mock provider answers"
        return Finding("provider keys", Verdict.WARNING, "none", fix)
    return _good("provider keys", ", ".join(present))


def _models() -> Finding:
    config: Config = settings.ACRON
    path = Path(settings.BASE_DIR) / config.providers.models_file
    try:
        catalog = catalogs.load(path, settings.ENVIRON, mock=config.providers.mock)
    except (catalogs.CatalogError, OSError) as error:
        return Finding("models", Verdict.FAILED, _first_line(error), f"correct {config.providers.models_file}")
    usable = sum(1 for model in catalog.models if not model.unavailable_because)
    return _good("models", f"{len(catalog.models)} listed, {usable} available")


def _price_book() -> Finding:
    subject = "price book"
    try:
        offer = price_book.offer_of(load_catalog(settings.ACRON))
        missing = price_book.differences(offer, timezone.now())
    except (DatabaseError, catalogs.CatalogError) as error:
        return Finding(subject, Verdict.FAILED, _first_line(error), "see database and models")
    if missing:
        says = f"does not hold the prices by which answers are reckoned: {len(missing.changes)} models differ"
        return Finding(subject, Verdict.WARNING, says, "look: manage.py import_prices; then repeat it with --apply")
    return _good(subject, f"{missing.unchanged} models, as the models file has them")


def _ledger() -> Finding:
    backlog = analytics.backlog()
    says = f"{backlog.bytes:,} bytes on their way into PostgreSQL"
    if backlog.rejected:
        fix = f"look into {settings.DATA_DIR / 'ledger'}: PostgreSQL refused these rows"
        return Finding("ledger", Verdict.FAILED, f"{backlog.rejected} rows were refused", fix)
    if backlog.oldest_seconds > _OLD_BACKLOG_SECONDS:
        fix = "start the web server: its workers carry the journal into PostgreSQL"
        return Finding("ledger", Verdict.WARNING, f"{says}, for {backlog.oldest_seconds:.0f} s", fix)
    return _good("ledger", says)


def _embedder() -> Finding:
    subject = "embedder"
    config: Config = settings.ACRON
    try:
        space, seconds = asyncio.run(_embedded_once(config))
    except (SettingsError, EmbeddingError) as error:
        fix = "correct the section embeddings of config.yaml, or unset it; until then only exact repeats are found"
        return Finding(subject, Verdict.WARNING, _first_line(error), fix)
    says = f"{space.name}, {seconds * 1000:.0f} ms for a short text"
    if space == hashing.SPACE and config.embeddings.provider != "hashing":
        fix = "install requirements.txt again, or set COHERE_API_KEY: this one knows no synonyms"
        return Finding(subject, Verdict.WARNING, says, fix)
    return _good(subject, says)


async def _embedded_once(config: Config) -> tuple[Space, float]:
    """The space and the time of a second text: the first one waits for the model as well."""
    patient = replace(config.embeddings, timeout_ms=_EMBEDDER_PATIENCE_MS)
    embedders = caching.embedders(patient, settings.ENVIRON, on_usage=lambda _: None)
    try:
        await embedders.asked.embed(["How are you today?"], Purpose.QUERY)
        begun = time.perf_counter()
        await embedders.asked.embed(["What is the capital of France?"], Purpose.QUERY)
        return embedders.asked.space, time.perf_counter() - begun
    finally:
        await embedders.close()


_LOOKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _data_dir,
    _database,
    _pgvector,
    _migrations,
    _redis,
    _secrets,
    _encryption,
    _peppers,
    _models,
    _price_book,
    _providers,
    _ledger,
    _embedder,
)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
