"""The audit log: what was done is recorded with the act, in a chain that shows every later change."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, connections, transaction

from accounts import actor as actors
from accounts import audit, selectors_audit
from accounts.actor import Actor, Origin
from accounts.models import ApiKey, AuditEvent, AuditHead, Organization
from accounts.scopes import Scope
from accounts.selectors_audit import Head
from accounts.services import api_keys, erasure
from tests.accounts.conftest import Person


def events(person: Person) -> list[AuditEvent]:
    return list(AuditEvent.objects.for_organization(person.organization.pk).order_by("sequence"))


def record(person: Person, number: int = 1, **after: object) -> AuditEvent:
    """Some acts of Ada's."""
    with transaction.atomic():
        for _ in range(number):
            event = audit.record(person.actor, "organization.changed", person.organization, after=after)
    return event


def verify(person: Person, **options):
    return selectors_audit.verify(person.organization.pk, **options)


def tamper(statement: str, *parameters: Any) -> None:
    """What somebody does who owns the database: no trigger stops them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, parameters)
        cursor.execute("SET LOCAL session_replication_role = origin")


# recording


def test_an_act_is_recorded_with_who_did_it_and_from_where(ada):
    origin = Origin(address="192.0.2.7", user_agent="curl/8", request_id="req_1")
    actor = actors.Actor(ada.principal, origin)

    key = api_keys.issue(actor, ada.organization, "Build", scopes=[Scope.INFER], created_by=ada.user).key

    event = events(ada)[-1]
    assert (event.action, event.actor_kind, event.actor_user_id, event.actor_role) == (
        "api_key.created", "user", ada.user.pk, "owner",
    )  # fmt: skip
    assert (event.object_kind, event.object_id, event.object_name) == ("api_key", str(key.pk), f"Build ({key.prefix})")
    assert (event.address, event.user_agent, event.request_id) == ("192.0.2.7", "curl/8", "req_1")
    assert event.after == {"purpose": "standard", "scopes": ["infer"], "mode": "live"}


def test_an_act_that_is_rolled_back_leaves_no_record(ada):
    before = verify(ada).head

    with transaction.atomic():
        api_keys.issue(ada.actor, ada.organization, "Never", scopes=[Scope.INFER])
        transaction.set_rollback(True)

    assert not ApiKey.objects.for_organization(ada.organization.pk).filter(name="Never").exists()
    assert verify(ada).head == before
    assert len(events(ada)) == before.sequence


@pytest.mark.django_db(transaction=True)
def test_an_act_outside_of_a_transaction_is_a_mistake_of_ours(ada):
    with pytest.raises(RuntimeError, match="one transaction"):
        audit.record(ada.actor, "organization.changed", ada.organization)


@pytest.mark.parametrize("field", ["password", "digest", "api_key", "secret"])
def test_only_fields_on_the_list_are_shown(ada, field):
    with pytest.raises(ValueError, match=field), transaction.atomic():
        audit.record(ada.actor, "organization.changed", ada.organization, after={"name": "x", field: "y"})


def test_a_row_without_a_word_for_it_is_a_mistake_of_ours(ada):
    with pytest.raises(TypeError, match="AuditHead"), transaction.atomic():
        audit.record(ada.actor, "head.changed", AuditHead())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("two\nlines\x00", "two\ufffdlines\ufffd"),
        ("turned \u202e round", "turned \ufffd round"),
        ("half \ud800", "half \ufffd"),
        ("👩\u200d💻 Zoë\u00a0", "👩\u200d💻 Zoë\u00a0"),
        ("x" * 500, "x" * 300),
        (Decimal("10.50"), "10.50"),
        (2**70, str(2**70)),
        (True, True),
        (None, None),
        (frozenset({"b", "a"}), ["a", "b"]),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_values_are_kept_so_that_they_can_be_read_and_hashed_again(ada, given, kept):
    record(ada, name=given)

    assert events(ada)[-1].after == {"name": kept}
    assert verify(ada).is_intact


def test_the_hash_is_the_same_after_reading_the_act_back(ada):
    written = record(ada, slug="z", name='Ünïcode 漢字 "quoted" \\ /', count=3, role=None, scopes=["b", "a"])

    [*_, read] = events(ada)

    assert audit.hash_of(read) == bytes(read.hash) == written.hash
    assert read.occurred_at == written.occurred_at


def test_the_hash_depends_neither_on_the_order_of_keys_nor_on_the_zone(ada):
    event = record(ada, name="x", slug="y")
    expected = audit.hash_of(event)

    event.after = {"slug": "y", "name": "x"}
    event.occurred_at = event.occurred_at.astimezone(ZoneInfo("Asia/Kolkata"))

    assert audit.hash_of(event) == expected


@pytest.mark.parametrize(
    "name",
    list(audit.facts_of(AuditEvent(occurred_at=datetime(2026, 1, 1, tzinfo=UTC)))),
)
def test_the_hash_covers_every_fact(ada, name):
    event = record(ada)
    before = audit.hash_of(event)

    changed = {
        "sequence": 99,
        "occurred_at": event.occurred_at + timedelta(microseconds=1),
        "before": {"x": 1},
        "after": {"x": 1},
    }
    setattr(event, name, changed.get(name, "00000000-0000-0000-0000-000000000000"))

    assert audit.hash_of(event) != before


def test_every_column_is_hashed_or_known_not_to_be():
    columns = {field.attname for field in AuditEvent._meta.concrete_fields}
    facts = set(audit.facts_of(AuditEvent(occurred_at=datetime(2026, 1, 1, tzinfo=UTC))))

    assert columns - facts == {"id", "previous_hash", "hash"}


@pytest.mark.django_db(transaction=True)
def test_acts_at_the_same_time_stand_one_after_the_other(ada, mallory):
    before = {person: len(events(person)) for person in (ada, mallory)}
    barrier, failures = threading.Barrier(8), []

    def work(person: Person) -> None:
        barrier.wait(10)
        try:
            for _ in range(5):
                record(person)
        except Exception as error:  # noqa: BLE001 - shown by the test below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(person,)) for person in (ada, mallory) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    for person in (ada, mallory):
        assert [event.sequence for event in events(person)] == list(range(1, before[person] + 21))
        assert verify(person).is_intact


@pytest.mark.django_db(transaction=True)
def test_first_acts_at_the_same_time_begin_one_chain():
    organization = Organization.objects.create(name="New", slug="new")
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait(10)
        with transaction.atomic():
            audit.record(actors.system(organization.pk), "organization.created", organization)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert selectors_audit.verify(organization.pk) == selectors_audit.Verdict(
        True, 4, selectors_audit.head(organization.pk)
    )


def test_organizations_have_chains_of_their_own(ada, mallory):
    before = verify(mallory)

    record(ada, 3)

    assert verify(mallory) == before
    assert {event.organization_id for event in events(mallory)} == {mallory.organization.pk}


# append-only


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditevent SET action = 'nothing.done'",
        "UPDATE accounts_auditevent SET before = before",
        "DELETE FROM accounts_auditevent",
        "DELETE FROM accounts_auditevent WHERE sequence = 1",
    ],
)
def test_postgresql_refuses_to_change_or_remove_an_act(ada, statement):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_postgresql_refuses_to_empty_the_log(ada):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL acron.erasing = ''")  # the tests' own connection may empty its tables
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute("TRUNCATE accounts_auditevent CASCADE")


def test_no_model_changes_or_removes_an_act(ada):
    [event, *_] = events(ada)
    event.action = "nothing.done"

    for attempt in (event.save, event.delete):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            attempt()


def test_erasing_an_organization_takes_its_log_along_and_no_other(ada, mallory):
    before = verify(mallory)

    organization_id = ada.organization.pk

    erasure.erase_organization(ada.actor)

    assert not AuditEvent.objects.for_organization(organization_id).exists()
    assert verify(mallory) == before


# verification


def test_a_log_that_nobody_touched_is_intact(ada):
    record(ada, 3)

    verdict = verify(ada)

    assert verdict.is_intact
    assert (verdict.checked, verdict.head.sequence) == (len(events(ada)), len(events(ada)))
    assert (verdict.first_broken_sequence, verdict.reason) == (None, "")


@pytest.mark.django_db
def test_a_log_without_acts_is_intact():
    assert selectors_audit.verify(uuid4()).is_intact


def test_a_long_log_is_read_in_parts(ada):
    record(ada, 5)
    progress: list[int] = []

    verdict = verify(ada, on_progress=progress.append, chunk_size=2)

    assert (verdict.is_intact, verdict.checked) == (True, len(events(ada)))
    assert progress == [number for number in range(1, verdict.checked + 1) if number % 2 == 0]


INSERTED = (
    "INSERT INTO accounts_auditevent SELECT gen_random_uuid(), 8, occurred_at, action, actor_kind, actor_user_id,"
    " actor_key_id, actor_role, object_kind, object_id, object_name, before, after, address, user_agent, request_id,"
    " hash, sha256('x'), organization_id FROM accounts_auditevent WHERE sequence = 7"
)


@pytest.mark.parametrize(
    ("mistake", "sequence", "reason"),
    [
        ("UPDATE accounts_auditevent SET actor_role = 'viewer' WHERE sequence = 3", 3, "changed"),
        ("UPDATE accounts_auditevent SET after = '{}' WHERE sequence = 4", 4, "changed"),
        ("UPDATE accounts_auditevent SET previous_hash = hash WHERE sequence = 4", 4, "follow"),
        ("DELETE FROM accounts_auditevent WHERE sequence = 3", 3, "missing"),
        ("DELETE FROM accounts_auditevent WHERE sequence = 1", 1, "missing"),
        ("DELETE FROM accounts_auditevent WHERE sequence > 4", 5, "missing at the end"),
        ("DELETE FROM accounts_auditevent WHERE true", 1, "missing at the end"),
        ("UPDATE accounts_audithead SET sequence = 4 WHERE true", 4, "head"),
        ("DELETE FROM accounts_audithead WHERE true", 1, "behind the end"),
        ("UPDATE accounts_audithead SET hash = sha256('x') WHERE true", 7, "head"),
        (INSERTED, 8, "changed"),
    ],
)
def test_tampering_is_found_where_it_was_done(ada, mistake, sequence, reason):
    record(ada, 5, name="x")
    assert len(events(ada)) == 7

    tamper(f"{mistake} AND organization_id = %s", ada.organization.pk)

    verdict = verify(ada)
    assert (verdict.is_intact, verdict.first_broken_sequence) == (False, sequence)
    assert reason in verdict.reason


def test_two_acts_that_changed_places_are_found(ada):
    record(ada, 5)
    swap = "UPDATE accounts_auditevent SET sequence = %s WHERE sequence = %s AND organization_id = %s"

    for new, old in ((99, 3), (3, 4), (4, 99)):
        tamper(swap, new, old, ada.organization.pk)

    assert verify(ada).first_broken_sequence == 3


def test_a_forged_act_at_the_end_is_found_though_its_hash_is_right(ada):
    last = record(ada)
    forged = AuditEvent(
        organization_id=ada.organization.pk, sequence=last.sequence + 1, occurred_at=last.occurred_at,
        action="api_key.created", object_kind="", previous_hash=last.hash,
    )  # fmt: skip
    forged.hash = audit.hash_of(forged)
    forged.save(force_insert=True)

    assert "behind the end" in verify(ada).reason


def test_a_chain_that_was_written_anew_is_found_by_a_head_that_was_kept_elsewhere(ada):
    record(ada, 3)
    kept = selectors_audit.head(ada.organization.pk)
    rewrite(ada, Actor(ada.principal, Origin(address="192.0.2.99")))

    assert verify(ada).is_intact
    assert verify(ada, expected=kept).first_broken_sequence == kept.sequence
    assert verify(ada, expected=Head(0, audit.GENESIS)).is_intact


def test_a_chain_that_was_cut_is_found_by_a_head_that_was_kept_elsewhere(ada):
    record(ada, 3)
    kept = selectors_audit.head(ada.organization.pk)
    tamper("DELETE FROM accounts_auditevent WHERE sequence > 3 AND organization_id = %s", ada.organization.pk)
    third = events(ada)[-1]
    tamper(
        "UPDATE accounts_audithead SET sequence = 3, hash = %s WHERE organization_id = %s",
        third.hash, ada.organization.pk,
    )  # fmt: skip

    assert verify(ada).is_intact
    assert "missing at the end" in verify(ada, expected=kept).reason


def rewrite(person: Person, actor: Actor) -> None:
    """The whole chain from the beginning, with other addresses, and right hashes."""
    number = len(events(person))
    for table in ("accounts_auditevent", "accounts_audithead"):
        tamper(f"DELETE FROM {table} WHERE organization_id = %s", person.organization.pk)
    for _ in range(number):
        audit.record(actor, "organization.changed", person.organization)
