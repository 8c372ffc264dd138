"""Puts the ledger together from the settings."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from acron_site.lib.config import SettingsError
from acron_site.lib.ids import uuid7
from analytics import claims, journal, rows
from analytics.carrier import BoundedConnection, Carrier, Connection
from analytics.journal import Journal
from analytics.ledger import JournalLedger

_LIVELY: dict[str, Any] = {
    "application_name": "acron-ledger",
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}


def ledger_directory() -> Path:
    return Path(settings.DATA_DIR) / "ledger"


def open_ledger() -> JournalLedger:
    """A ledger for this process: `start()` it in the process that serves, `stop()` it at the end."""
    directory = ledger_directory()
    worker = f"{os.getpid()}-{uuid7().hex[-12:]}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        claim = claims.make(directory, worker)
    except OSError as error:
        raise SettingsError(f"storage.data_dir: the ledger cannot write to {directory}: {error.strerror}") from error
    return JournalLedger(
        Journal(directory, worker, columns=rows.COLUMNS),
        claim,
        Carrier(connect, directory / journal.REJECTS),
        interval_seconds=settings.ACRON.tracking.flush_interval_ms / 1000,
    )


def connect() -> Connection:
    """The ledger's own connection: the pool's belong to requests. Dead peers are noticed within seconds."""
    return BoundedConnection.connect(**{"connect_timeout": 3, **connection_parameters(), **_LIVELY})


def connection_parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    django_only = ("context", "cursor_factory")
    return {name: value for name, value in parameters.items() if name not in django_only}


def backlog() -> journal.Backlog:
    return journal.backlog(ledger_directory())
