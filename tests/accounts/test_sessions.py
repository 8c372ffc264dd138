"""Browser sessions: what lies in the database tells nothing."""

from base64 import b64decode, b64encode

import pytest
from django.contrib.sessions.models import Session

from accounts import flash, wiring
from accounts.encryption import cipher_from
from accounts.sessions import SessionStore

SECRET = "ak_live_shown_only_once"


class Request:
    def __init__(self, session: SessionStore) -> None:
        self.session = session


@pytest.fixture
def session(db) -> SessionStore:
    session = SessionStore()
    flash.keep(Request(session), "issued_key", SECRET)  # type: ignore[arg-type]
    session.save()
    return session


def test_a_session_comes_back_and_a_flash_is_shown_once(session):
    again = SessionStore(session.session_key)

    first = flash.take(Request(again), "issued_key")  # type: ignore[arg-type]
    again.save()

    assert first == SECRET
    assert flash.take(Request(SessionStore(session.session_key)), "issued_key") is None  # type: ignore[arg-type]


def test_the_database_does_not_hold_it_in_clear(session):
    kept = Session.objects.get(pk=session.session_key).session_data

    assert SECRET.encode() not in b64decode(kept)
    assert b64encode(SECRET.encode())[:-4].decode() not in kept


def test_a_session_under_a_key_that_is_gone_is_an_empty_one(session, monkeypatch):
    monkeypatch.setattr(wiring, "cipher", lambda: cipher_from("another passphrase"))

    assert dict(SessionStore(session.session_key).load()) == {}


@pytest.mark.parametrize("damage", ["", "no base64 at all!", b64encode(b"\x01" + bytes(40)).decode()])
def test_a_damaged_session_is_an_empty_one(session, damage):
    Session.objects.filter(pk=session.session_key).update(session_data=damage)

    assert dict(SessionStore(session.session_key).load()) == {}
