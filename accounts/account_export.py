"""What a person takes along: the account, and the organizations only they belong to, as one JSON document.

It is written part by part, so that a ledger of any length fits. What is secret (digests, sealed keys) stays out.
"""

import itertools
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import datetime
from typing import IO, Any
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from django.utils import timezone

from accounts import audit_export, belongings, selectors_account
from accounts.models import ApiKey, AuditEvent, Invitation, Membership, Organization, ProviderCredential, User
from accounts.selectors_account import Place

_ROWS_AT_ONCE = 500
_IN_MEMORY_BYTES = 1_048_576
_READ_BYTES = 65_536
_SHOWN_OF_KEY = (
    "id", "name", "purpose", "prefix", "scopes", "mode", "created_at", "expires_at", "last_used_at",
    "last_used_address", "allowed_networks", "allowed_models", "requests_per_minute", "tokens_per_minute",
    "monthly_budget_usd", "revoked_at",
)  # fmt: skip
_SHOWN_OF_INVITATION = ("id", "email", "role", "created_at", "expires_at", "accepted_at", "revoked_at")
_SHOWN_OF_CREDENTIAL = ("id", "provider", "last_four", "created_at", "tested_at", "test_result")


def response(user: User) -> StreamingHttpResponse:
    """The document as a download; it is read while it is sent."""
    return _download(_stepwise(parts(user)))


def spooled(user: User) -> IO[bytes]:
    """The document as it is now, kept apart from the database: for an account that is about to go."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - whoever sends it closes it
    file.writelines(parts(user))
    file.seek(0)
    return file


def response_from(file: IO[bytes]) -> StreamingHttpResponse:
    return _download(_stepwise(_read(file)))


def parts(user: User) -> Iterator[bytes]:
    """The document's bytes, in order."""
    places = selectors_account.places_of(user)
    head = {
        "format": "acron-account-export",
        "version": 1,
        "exported_at": timezone.now(),
        "profile": _profile(user),
        "memberships": [_membership(place) for place in places],
    }
    yield _opened(head) + b',"organizations":['
    for number, place in enumerate(place for place in places if place.is_alone):
        yield b"," if number else b""
        yield from _organization(place.organization_id)
    yield b"]}\n"


def _organization(organization_id: UUID) -> Iterator[bytes]:
    yield _opened(_facts(organization_id))
    yield from _list("audit_events", map(audit_export.document, _audit_events(organization_id)))
    for kept in belongings.registered():
        yield from _list(kept.name, kept.export(organization_id))
    yield b"}"


def _facts(organization_id: UUID) -> dict[str, Any]:
    organization = Organization.objects.get(pk=organization_id)
    members = Membership.objects.for_organization(organization_id).order_by("created_at")
    return {
        "id": organization.pk,
        "name": organization.name,
        "slug": organization.slug,
        "created_at": organization.created_at,
        "settings": {
            "keeps_content": organization.keeps_content,
            "content_retention_days": organization.content_retention_days,
        },
        "members": list(members.values("user_id", "user__email", "role", "created_at")),
        "invitations": list(Invitation.objects.for_organization(organization_id).values(*_SHOWN_OF_INVITATION)),
        "api_keys": list(ApiKey.objects.for_organization(organization_id).values(*_SHOWN_OF_KEY)),
        "provider_credentials": list(
            ProviderCredential.objects.for_organization(organization_id).values(*_SHOWN_OF_CREDENTIAL)
        ),
    }


def _audit_events(organization_id: UUID) -> Iterator[AuditEvent]:
    chain, after = AuditEvent.objects.for_organization(organization_id).order_by("sequence"), 0
    while events := list(chain.filter(sequence__gt=after)[:_ROWS_AT_ONCE]):
        yield from events
        after = events[-1].sequence


def _profile(user: User) -> dict[str, Any]:
    names = ("id", "email", "full_name", "time_zone", "theme", "created_at", "last_login")
    return {name: getattr(user, name) for name in names}


def _membership(place: Place) -> dict[str, Any]:
    names = ("organization_id", "name", "slug", "role", "since")
    return {name: getattr(place, name) for name in names}


def _opened(document: Mapping[str, Any]) -> bytes:
    """The document as JSON, up to its closing brace."""
    return orjson.dumps(document, default=str)[:-1]


def _list(name: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    yield b',"%b":[' % name.encode()
    waiting, is_first = iter(rows), True
    while some := list(itertools.islice(waiting, _ROWS_AT_ONCE)):
        yield (b"" if is_first else b",\n") + b",\n".join(orjson.dumps(row, default=str) for row in some)
        is_first = False
    yield b"]"


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(_READ_BYTES):
            yield part


async def _stepwise(source: Iterator[bytes]) -> AsyncIterator[bytes]:
    while part := await sync_to_async(_next)(source):
        yield part


def _next(source: Iterator[bytes]) -> bytes:
    """The next bytes there are; none at the end."""
    try:
        return next((part for part in source if part), b"")
    finally:
        # a slow reader holds no connection while it reads
        close_old_connections()


def _download(content: AsyncIterator[bytes]) -> StreamingHttpResponse:
    today: datetime = timezone.now()
    headers = {
        "Content-Disposition": f'attachment; filename="acron-account-{today:%Y-%m-%d}.json"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    # an iterator that is not asynchronous would be gathered in memory before the first byte is sent
    return StreamingHttpResponse(content, content_type="application/json", headers=headers)
