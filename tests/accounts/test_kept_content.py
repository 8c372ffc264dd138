"""Kept prompts and answers: sealed, read by few and on the record, and gone when their time is over."""

import asyncio
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from accounts import resealing, wiring
from accounts.encryption import cipher_from
from accounts.models import AuditEvent
from accounts.services import erasure, retention
from acron_site.lib.errors import InvalidRequestError
from acron_site.lib.ids import uuid7
from analytics import content_store, tasks
from analytics.content import Content, ContentWriter, UnwritableError
from analytics.models import KeptContent
from inference.commandline import ask_once, principal_of
from tests.accounts.test_provider_credentials import BACKEND

ASKED, ANSWERED = b'{"messages":[{"content":"our secret plan"}]}', b'{"choices":[]}'


def content(organization, *, days_ago=0.0, size_bytes=0):
    occurred_at = datetime.now(UTC) - timedelta(days=days_ago)
    return Content(uuid7(), organization.pk, occurred_at, ASKED, ANSWERED + b" " * size_bytes)


def keep(person, *, days=30, keeps=True):
    retention.set_content_retention(person.actor, keeps=keeps, days=days)


def ask_for(client, person, event_id):
    return client.get(f"/analytics/inferences/{event_id}/content", headers={"x-api-key": person.api_key})


def rows_of(person):
    return KeptContent.objects.for_organization(person.organization.pk)


def test_what_is_kept_is_read_by_those_who_may_and_each_look_is_on_the_record(client, ada):
    keep(ada)
    kept = content(ada.organization)
    content_store.write([kept])

    answered = ask_for(client, ada, kept.event_id)

    look = AuditEvent.objects.for_organization(ada.organization.pk).get(action="content.read")
    assert answered.status_code == 200
    assert answered.json()["request"] == {"messages": [{"content": "our secret plan"}]}
    assert answered.json()["response"] == {"choices": []}
    assert look.after == {"event_id": str(kept.event_id)}


def test_it_lies_sealed_in_the_database(ada):
    keep(ada)
    content_store.write([content(ada.organization)])

    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed FROM analytics_keptcontent")
        sealed = bytes(cursor.fetchone()[0])

    cipher = wiring.cipher()
    assert cipher.is_current(sealed)
    if settings.ENCRYPTION_KEY:
        assert b"secret plan" not in sealed
        assert b64encode(b"secret plan") not in sealed
    assert b"secret plan" in cipher.open(sealed, aad=content_store.place_of(ada.organization.pk))


def test_it_comes_under_the_new_key_when_keys_are_rotated(ada):
    keep(ada)
    content_store.write([content(ada.organization)])
    rotated = cipher_from(f"{'1b' * 32},{settings.ENCRYPTION_KEY}")

    result = resealing.reseal(content_store.sealed_rows(), rotated, lambda _: None)

    [row] = rows_of(ada)
    place = content_store.place_of(ada.organization.pk)
    assert (result.tally.resealed, result.is_clean) == (1, True)
    assert b"secret plan" in cipher_from("1b" * 32).open(bytes(row.sealed), aad=place)


def test_nobody_elses_content_is_found(client, ada, mallory):
    keep(ada)
    keep(mallory)
    kept = content(ada.organization)
    content_store.write([kept])

    assert ask_for(client, mallory, kept.event_id).status_code == 404
    assert ask_for(client, ada, uuid7()).status_code == 404


def test_whoever_switches_it_off_is_not_read_from_that_moment_and_soon_rid_of_it(client, ada, mallory):
    keep(ada)
    keep(mallory)
    kept = content(ada.organization)
    content_store.write([kept, content(mallory.organization)])

    keep(ada, keeps=False)

    assert ask_for(client, ada, kept.event_id).status_code == 404
    assert tasks.purge_content() == 1
    assert rows_of(ada).count() == 0
    assert rows_of(mallory).count() == 1


def test_what_is_older_than_the_organization_wants_goes(client, ada, mallory):
    keep(ada, days=7)
    keep(mallory, days=30)
    old, fresh = content(ada.organization, days_ago=7.1), content(ada.organization, days_ago=6.9)
    content_store.write([old, fresh, content(mallory.organization, days_ago=7.1)])

    assert ask_for(client, ada, old.event_id).status_code == 404
    assert tasks.purge_content() == 1
    assert [row.event_id for row in rows_of(ada)] == [fresh.event_id]
    assert rows_of(mallory).count() == 1


def test_what_was_under_way_when_it_was_switched_off_is_not_written(ada, mallory):
    keep(mallory)

    content_store.write([content(ada.organization), content(mallory.organization)])

    assert (rows_of(ada).count(), rows_of(mallory).count()) == (0, 1)


def test_writing_twice_is_no_harm(ada):
    keep(ada)
    kept = content(ada.organization)

    content_store.write([kept])
    content_store.write([kept])

    assert rows_of(ada).count() == 1


def test_an_organization_that_is_gone_takes_its_content_along(ada):
    keep(ada)
    content_store.write([content(ada.organization)])

    erasure.erase_organization(ada.actor)

    assert KeptContent.all_organizations.count() == 0


def test_every_key_carries_the_change_at_once(ada, django_capture_on_commit_callbacks):
    directory = wiring.key_directory()
    assert not directory.resolve(ada.api_key).keeps_content

    with django_capture_on_commit_callbacks(execute=True):
        keep(ada)
    after_on = directory.resolve(ada.api_key).keeps_content
    with django_capture_on_commit_callbacks(execute=True):
        keep(ada, keeps=False)

    assert after_on
    assert not directory.resolve(ada.api_key).keeps_content


def test_the_switch_is_audited_once_for_each_change(ada):
    keep(ada, days=7)
    keep(ada, days=7)

    [change] = AuditEvent.objects.for_organization(ada.organization.pk).filter(action="content_retention.changed")
    assert change.before == {"keeps_content": False, "content_retention_days": 30}
    assert change.after == {"keeps_content": True, "content_retention_days": 7}


@pytest.mark.parametrize("days", [-1, 0, 3651, 10**9])
def test_days_beyond_reason_are_refused(ada, days):
    with pytest.raises(InvalidRequestError, match="1 to 3650 days"):
        keep(ada, days=days)


def test_operators_see_that_something_is_kept_and_not_what(client, ada):
    keep(ada)
    kept = content(ada.organization)
    content_store.write([kept])
    ada.user.is_staff = ada.user.is_superuser = True
    ada.user.save()
    client.force_login(ada.user, backend=BACKEND)

    page = client.get(f"/admin/analytics/keptcontent/{kept.event_id}/change/").content.decode()

    assert str(kept.event_id) in page
    assert "secret plan" not in page
    assert "sealed" not in page.lower()


class Store:
    """Remembers what it is given; can be away."""

    def __init__(self):
        self.written, self.is_away = [], False

    def __call__(self, contents):
        if self.is_away:
            raise UnwritableError("away")
        self.written += contents


def test_the_queue_is_bounded_and_counts_what_it_drops(ada):
    store = Store()
    writer = ContentWriter(store, most_bytes=1000, pause_seconds=60)

    for _ in range(3):
        writer.keep(content(ada.organization, size_bytes=400))
    writer.flush()
    writer.keep(content(ada.organization, size_bytes=400))
    writer.stop()

    assert writer.dropped == 1
    assert len(store.written) == 3


def test_a_database_that_is_away_costs_the_content_and_nothing_else(ada, caplog):
    store = Store()
    writer = ContentWriter(store, pause_seconds=60)
    store.is_away = True
    for _ in range(250):
        writer.keep(content(ada.organization))
    writer.flush()

    store.is_away = False
    writer.keep(content(ada.organization))
    writer.stop()

    assert writer.dropped == 250
    assert len(store.written) == 1
    assert [record.message for record in caplog.records if "cannot" in record.message] == ["content.cannot_be_kept"]


@pytest.mark.django_db(transaction=True)
def test_a_real_request_is_kept_by_the_gateway_as_it_is_put_together(client, ada):
    keep(ada)
    principal = principal_of(str(ada.organization.pk))

    asyncio.run(ask_once(settings.ACRON, principal, {"prompt": "our secret plan", "model_override": "mock-small"}))

    [row] = rows_of(ada)
    answered = ask_for(client, ada, row.event_id).json()
    assert answered["request"]["messages"] == [{"role": "user", "content": "our secret plan"}]
    assert answered["response"]["choices"][0]["message"]["content"]
