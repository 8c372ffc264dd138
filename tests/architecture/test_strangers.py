"""Every address, with every id of somebody else's, by every kind of stranger: nothing is shown, nothing changes."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from accounts.tenancy import OrganizationManager
from tests.architecture.plant import Planted, fingerprint, planted, tables_without_a_row
from tests.architecture.test_access import BACKEND, addresses, methods_of

_ARGUMENT = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_REGEX_ARGUMENT = re.compile(r"\(\?P<\w+>[^)]*\)")
# fields and parameters by which an address could be told somebody else's id
_NAMES = (
    "id",
    "after",
    "organization",
    "organization_id",
    "key_id",
    "member_id",
    "user_id",
    "invitation_id",
    "event_id",
    "request_id",
)


@dataclass(frozen=True)
class Stranger:
    """Somebody without any right at the victim's."""

    name: str
    client: Client
    own_marks: frozenset[str]


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    sent: str  # the id that was tried, in the path and as a parameter

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.sent})"


@pytest.fixture
def victim(db) -> Planted:
    return planted("Ada")


@pytest.fixture
def strangers(db) -> list[Stranger]:
    mallory, trent = planted("Mallory"), planted("Trent")
    in_browser = Client()
    in_browser.force_login(trent.person.user, backend=BACKEND)
    return [
        Stranger("rival's admin key", _with_key(mallory.person.api_key), mallory.marks),
        Stranger("rival's infer key", _with_key(mallory.infer_key), mallory.marks),
        Stranger("rival in the browser", in_browser, trent.marks),
        Stranger("nobody", Client(), frozenset()),
    ]


def test_the_victim_has_a_row_in_every_table(victim):
    assert tables_without_a_row(victim.person.organization) == []


def test_no_stranger_sees_or_changes_anything(victim, strangers):
    found = [each for stranger in strangers for each in leaks(victim, stranger, calls(victim))]

    assert found == []


def test_a_missing_filter_would_be_noticed(victim, strangers, monkeypatch):
    def everybodys(self: OrganizationManager[Any], organization_id: UUID) -> Any:
        return super(OrganizationManager, self).get_queryset()

    monkeypatch.setattr(OrganizationManager, "for_organization", everybodys)

    rival = strangers[0]
    some = [call for call in calls(victim) if call.path.startswith(("/analytics", "/governance"))]
    assert leaks(victim, rival, some)


def leaks(victim: Planted, stranger: Stranger, tried: list[Call]) -> list[str]:
    """What went wrong, each in words."""
    before = fingerprint(victim.person.organization)
    return [f"{stranger.name}: {call}: {wrong}" for call in tried for wrong in _wrongs(victim, stranger, call, before)]


def _wrongs(victim: Planted, stranger: Stranger, call: Call, before: str) -> Iterator[str]:
    with transaction.atomic():
        response = _send(stranger.client, call)
        body = _content(response)
        touched = call.method != "GET" and fingerprint(victim.person.organization) != before
        transaction.set_rollback(True)  # the stranger's own things may be gone after a successful call
    if response.status_code >= 500:
        yield f"status {response.status_code}"
    if touched:
        yield "the victim's rows were changed"
    location = str(response.headers.get("Location", ""))
    for mark in victim.marks:
        # what was sent may be sent back, in a link to the log-in for example
        if mark != call.sent and mark in body + location:
            yield f"shows {mark!r}"


def calls(victim: Planted) -> list[Call]:
    """Each address and method: with each of the victim's ids where it takes one, else with one as a parameter."""
    return [call for route, view in addresses(get_resolver().url_patterns) for call in _calls(route, view, victim)]


def _calls(route: str, view: object, victim: Planted) -> Iterator[Call]:
    if route.startswith("admin/"):
        return  # operators see everybody; that nobody else comes in is tested by the ACCESS table
    path = "/" + _REGEX_ARGUMENT.sub("<any>", route).strip("^$").replace("\\Z", "")
    for method in {"GET", "POST", *methods_of(view)}:
        if not _ARGUMENT.search(path):
            yield Call(method, path, "")
            yield Call(method, path, victim.ids[0])
            continue
        for each in victim.ids:
            yield Call(method, _ARGUMENT.sub(each, path), each)


def _send(client: Client, call: Call) -> Any:
    given = dict.fromkeys(_NAMES, call.sent) if call.sent else {}
    if call.method == "GET":
        return client.get(call.path, given)
    return client.generic(call.method, call.path, json.dumps(given), content_type="application/json")


def _content(response: Any) -> str:
    if not getattr(response, "streaming", False):
        return str(response.content.decode(errors="replace"))
    if response.is_async:
        return ""  # exports are looked at by their own tests
    return b"".join(response.streaming_content).decode(errors="replace")


def _with_key(key: str) -> Client:
    return Client(headers={"x-api-key": key})
