"""Browser sessions in the database, sealed at rest: they may hold a key that is about to be shown, or half a log-in."""

from base64 import b64decode, b64encode
from typing import Any

import orjson
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

from accounts import wiring
from accounts.encryption import DecryptionError

PLACE = b"django_session"


class SessionStore(DatabaseSessionStore):
    """A session that does not open (another key, damage) is an empty one: its owner logs in again."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        sealed = wiring.cipher().seal(orjson.dumps(session_dict, default=str), aad=PLACE)
        return b64encode(sealed).decode()

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        try:
            opened = wiring.cipher().open(b64decode(session_data), aad=PLACE)
            document: dict[str, Any] = orjson.loads(opened)
        except (DecryptionError, ValueError):
            return {}
        return document
