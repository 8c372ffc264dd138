"""Checks on record and the gates they move, on the real PostgreSQL."""

import threading
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.roles import Role
from acron_site.lib.errors import InsufficientScopeError, NotFoundError
from acron_site.lib.ids import uuid7
from caching import selectors_gates, services_gates, tasks
from caching.gate_book import DatabaseBook, SamePolicy
from caching.gate_rules import COOL_DOWN, Check, CheckSource, GateState, Standing, TierPolicy
from caching.gates import BookUnavailableError
from caching.models import SemanticCheck, SemanticGate
from caching.protocols import Namespace
from tests.accounts.conftest import Person, signed_up
from tests.caching.gates.kit import NOW, a_complaint, check, checks, key_of

pytestmark = pytest.mark.django_db

POLICY = TierPolicy()
LATER = NOW + timedelta(minutes=5)


def own(person: Person, name: str = "default") -> Namespace:
    return Namespace(person.organization.pk, name)


def keep(person: Person, given: list[Check]) -> int:
    return services_gates.keep_checks(person.organization.pk, given, SamePolicy(POLICY))


def moved(person: Person, now=NOW, policy: TierPolicy = POLICY) -> Standing:
    standing = services_gates.recalibrate(key_of(own(person)), policy, now)
    assert standing is not None
    return standing


def gate_of(person: Person) -> SemanticGate:
    gate: SemanticGate = SemanticGate.objects.for_organization(person.organization.pk).get()
    return gate


def an_open_gate(person: Person, count: int = 400, score: float = 0.95) -> SemanticGate:
    keep(person, checks(own(person), count, score))
    assert moved(person).state is GateState.SERVING
    return gate_of(person)


def test_checks_open_a_gate_and_the_change_is_on_record(ada, caplog):
    caplog.set_level("INFO")
    keep(ada, checks(own(ada), 200))
    learning = moved(ada)
    keep(ada, checks(own(ada), 99))

    opened = moved(ada)

    assert (learning.state, learning.proof.needed) == (GateState.SHADOW, 99)
    assert (opened.state, opened.threshold) == (GateState.SERVING, 0.95)
    (line,) = gate_of(ada).history
    assert (line["state"], line["threshold"], line["checked"], line["wrong"]) == ("serving", 0.95, 299, 0)
    assert [record.message for record in caplog.records] == ["cache.gate_moved"]


def test_recalibrating_again_changes_nothing(ada):
    an_open_gate(ada)

    first, again = moved(ada, LATER), moved(ada, LATER)

    assert first == again
    assert len(gate_of(ada).history) == 1


def test_a_check_that_is_written_twice_counts_once(ada):
    given = checks(own(ada), 5)

    keep(ada, given)
    keep(ada, given)

    assert SemanticCheck.objects.for_organization(ada.organization.pk).count() == 5


def test_mallorys_checks_never_touch_adas_gate(ada, mallory):
    an_open_gate(ada)
    before = selectors_gates.standing_of(gate_of(ada))

    keep(mallory, checks(own(mallory), 500, agrees=False))
    moved(mallory)
    moved(ada)

    assert gate_of(ada).state == GateState.SERVING
    assert selectors_gates.standing_of(gate_of(ada)).proof == before.proof
    assert gate_of(mallory).wrong == 500
    assert selectors_gates.standings(mallory.organization.pk, [key_of(own(ada))]) == {}


def test_gates_of_namespaces_tasks_spaces_and_versions_stay_apart(ada):
    keep(ada, checks(own(ada), 299))
    keep(ada, [check(own(ada, "another")), check(own(ada), task_type="code"), check(own(ada), space="another")])
    keep(ada, [check(own(ada), likeness_version="2")])

    assert moved(ada).proof.checked == 299
    assert SemanticGate.objects.for_organization(ada.organization.pk).count() == 5


def test_checks_of_an_organization_that_has_gone_are_left_out(ada, mallory):
    book = DatabaseBook(SamePolicy(POLICY))
    gone = Namespace(uuid7())

    kept = book.write([check(gone), check(own(ada)), check(own(mallory))])

    assert kept == 2


def test_an_organization_has_no_end_of_gates(ada, caplog):
    keep(ada, [check(own(ada, str(number))) for number in range(1_000)])

    kept = keep(ada, [check(own(ada, "one too many")), check(own(ada, "7"))])

    assert kept == 1
    assert SemanticGate.objects.for_organization(ada.organization.pk).count() == 1_000
    assert "cache.too_many_gates" in caplog.text


def test_only_the_last_thirty_days_count(ada):
    an_open_gate(ada)

    aged = moved(ada, NOW + timedelta(days=31))

    assert aged.state is GateState.SHADOW
    assert aged.proof.checked == 0


def test_vetoed_neighbours_are_no_evidence(ada):
    keep(ada, [*checks(own(ada), 298), *checks(own(ada), 100, 0.0)])

    assert moved(ada).state is GateState.SHADOW


def test_praise_is_no_evidence(ada):
    keep(ada, [*checks(own(ada), 298), *checks(own(ada), 100, source=CheckSource.FEEDBACK)])

    assert moved(ada).state is GateState.SHADOW


def test_what_lies_below_the_threshold_does_not_crowd_out_what_proves_it(ada):
    an_open_gate(ada)
    keep(
        ada, checks(own(ada), selectors_gates.WINDOW_CHECKS, 0.5, agrees=False, occurred_at=NOW - timedelta(minutes=1))
    )

    assert moved(ada, LATER).state is GateState.SERVING


def test_a_complaint_raises_the_threshold_until_enough_checks_outweigh_it(ada):
    keep(ada, [*checks(own(ada), 400, 0.97), *checks(own(ada), 400, 0.9)])
    assert moved(ada).threshold == 0.9

    keep(ada, [a_complaint(own(ada), 0.93, occurred_at=NOW + timedelta(seconds=1))])
    warned = moved(ada, LATER)
    keep(ada, checks(own(ada), 299, 0.94, occurred_at=NOW + timedelta(seconds=2)))
    keep(ada, checks(own(ada), 299, 0.92, occurred_at=NOW + timedelta(seconds=2)))
    outweighed = moved(ada, LATER)

    assert (warned.state, warned.threshold) == (GateState.SERVING, 0.97)
    assert (outweighed.state, outweighed.threshold) == (GateState.SERVING, 0.9)


def test_a_complaint_at_the_top_closes_the_gate(ada):
    an_open_gate(ada)

    keep(ada, [a_complaint(own(ada), 0.95, occurred_at=NOW + timedelta(seconds=1))])

    assert moved(ada, LATER).state is GateState.SHADOW


def test_a_gate_that_was_wrong_too_often_begins_anew_with_fresh_evidence(ada):
    an_open_gate(ada)
    keep(ada, checks(own(ada), 20, agrees=False, source=CheckSource.SAMPLED))

    off = moved(ada, NOW)
    back = moved(ada, NOW + COOL_DOWN)
    still = moved(ada, NOW + COOL_DOWN + timedelta(minutes=1))
    keep(ada, checks(own(ada), 299, occurred_at=NOW + COOL_DOWN + timedelta(minutes=2)))
    proven = moved(ada, NOW + COOL_DOWN + timedelta(minutes=3))

    assert off.state is GateState.OFF
    assert (back.state, still.state, still.proof.checked) == (GateState.SHADOW, GateState.SHADOW, 0)
    assert proven.state is GateState.SERVING
    assert [line["state"] for line in gate_of(ada).history] == ["serving", "off", "shadow", "serving"]


def test_history_keeps_its_last_fifty_lines(ada):
    gate = an_open_gate(ada)
    gate.history = gate.history * 50
    gate.save()

    services_gates.reset(ada.actor, gate.pk)

    assert [line["state"] for line in gate_of(ada).history] == ["serving"] * 49 + ["shadow"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_recalibrate_at_once_move_the_gate_once(caplog):
    caplog.set_level("INFO")
    ada = signed_up("Ada")
    keep(ada, checks(own(ada), 400))
    found: list[Standing | None] = []

    def work() -> None:
        found.append(services_gates.recalibrate(key_of(own(ada)), POLICY, NOW))
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    with transaction.atomic():
        selectors_gates.find(ada.organization.pk, gate_of(ada).pk, is_locked=True)
        for worker in workers:
            worker.start()
        wait_until_both_wait()
    for worker in workers:
        worker.join(10)

    assert [standing.state for standing in found if standing] == [GateState.SERVING] * 2
    assert [record.message for record in caplog.records].count("cache.gate_moved") == 1


def wait_until_both_wait() -> None:
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        waiting = 0
        while waiting < 2 and time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            (waiting,) = cursor.fetchone()
    assert waiting == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_meet_a_new_gate_at_once_make_one():
    ada = signed_up("Ada")
    both = threading.Barrier(2)
    kept: list[int] = []

    def work() -> None:
        both.wait(5)
        kept.append(keep(ada, checks(own(ada), 3)))
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)

    assert kept == [3, 3]
    assert gate_of(ada)


def test_while_postgresql_is_away_the_book_says_so(ada):
    book = DatabaseBook(SamePolicy(POLICY), now=lambda: NOW)
    key = key_of(own(ada))

    def away(*_):
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(away):
        for tried in (
            partial(book.read, [key]),
            partial(book.write, [check(own(ada))]),
            partial(book.recalibrate, key),
        ):
            with pytest.raises(BookUnavailableError, match="OperationalError"):
                tried()


def test_the_book_reads_what_it_wrote(ada, mallory):
    book = DatabaseBook(SamePolicy(POLICY), now=lambda: NOW)
    book.write([*checks(own(ada), 299), check(own(mallory))])

    moved_to = book.recalibrate(key_of(own(ada)))
    read = book.read([key_of(own(ada)), key_of(own(mallory)), key_of(own(ada, "unknown"))])

    assert moved_to is not None
    assert read[key_of(own(ada))] == moved_to
    assert {key: standing.state for key, standing in read.items()} == {
        key_of(own(ada)): GateState.SERVING,
        key_of(own(mallory)): GateState.SHADOW,
    }
    assert book.recalibrate(key_of(own(ada, "unknown"))) is None


def test_the_regular_job_moves_gates_with_new_checks_and_no_others(ada, mallory):
    now = timezone.now()
    keep(ada, checks(own(ada), 299, occurred_at=now))
    keep(mallory, checks(own(mallory), 1, occurred_at=now - timedelta(hours=1)))

    first, second = tasks.recalibrate_gates(), tasks.recalibrate_gates()

    assert (first, second) == (2, 1)  # Ada's are so new that more may be on their way
    assert gate_of(ada).state == GateState.SERVING


def test_the_regular_job_ends_a_cool_down(ada):
    gate = an_open_gate(ada)
    now = timezone.now()
    SemanticGate.objects.for_organization(ada.organization.pk).filter(pk=gate.pk).update(
        state=GateState.OFF, threshold=None, off_until=now - timedelta(seconds=1), calibrated_at=now
    )

    tasks.recalibrate_gates()

    assert gate_of(ada).state == GateState.SHADOW


def test_checks_that_no_longer_count_are_deleted_but_complaints_stay(ada):
    most = selectors_gates.WINDOW_CHECKS
    given = [check(own(ada), 0.9, occurred_at=NOW - timedelta(seconds=age)) for age in range(most + 5)]
    keep(ada, checks(own(ada), 7, 0.0, occurred_at=NOW - timedelta(days=2)))
    keep(ada, [*given, a_complaint(own(ada), 0.9, occurred_at=NOW - timedelta(days=3))])
    keep(ada, [a_complaint(own(ada), 0.9, occurred_at=NOW - timedelta(days=31))])

    services_gates.recalibrate_due(SamePolicy(POLICY), NOW)

    left = SemanticCheck.objects.for_organization(ada.organization.pk)
    assert left.filter(score=0).count() == 7
    assert left.filter(source=CheckSource.SHADOW, score=0.9).count() == most
    assert left.filter(source=CheckSource.FEEDBACK).count() == 1


def test_a_reset_gate_learns_anew_and_the_act_is_on_record(ada):
    gate = an_open_gate(ada)

    services_gates.reset(ada.actor, gate.pk)
    after = moved(ada, timezone.now())

    assert (after.state, after.proof.checked) == (GateState.SHADOW, 0)
    event = AuditEvent.objects.for_organization(ada.organization.pk).get(action="cache_gate.reset")
    assert (event.before["state"], event.after["state"], event.after["namespace"]) == ("serving", "shadow", "default")


def test_mallory_cannot_reset_adas_gate(ada, mallory):
    gate = an_open_gate(ada)

    with pytest.raises(NotFoundError):
        services_gates.reset(mallory.actor, gate.pk)

    assert gate_of(ada).state == GateState.SERVING


def test_grace_who_may_only_look_cannot_reset_a_gate(ada):
    gate = an_open_gate(ada)
    grace = replace(ada.actor, principal=replace(ada.principal, role=Role.VIEWER))

    with pytest.raises(InsufficientScopeError):
        services_gates.reset(grace, gate.pk)


def test_a_report_shows_what_was_found_at_each_score_and_what_thresholds_would_give(ada):
    now = timezone.now()
    gate = an_open_gate(ada, 400, 0.97)
    sampled = partial(checks, own(ada), occurred_at=now)
    keep(ada, sampled(10, 0.97, source=CheckSource.SAMPLED, sample_rate=0.1))
    keep(ada, sampled(100, 0.52, agrees=False))
    SemanticCheck.objects.for_organization(ada.organization.pk).filter(score=0.97).update(occurred_at=now)

    report = selectors_gates.report(ada.organization.pk, gate.pk)

    assert len(report.scores) == 20
    assert {
        bucket.low: (bucket.agree, bucket.disagree) for bucket in report.scores if bucket.agree + bucket.disagree
    } == {
        0.5: (0, 100),
        0.95: (410, 0),
    }
    strict = next(outlook for outlook in report.outlooks if outlook.threshold == 0.96)
    loose = next(outlook for outlook in report.outlooks if outlook.threshold == 0.5)
    assert strict.hit_share == pytest.approx(500 / 600)  # a sampled check stands for ten hits
    assert (strict.wrong, strict.wrong_share) == (0, 0)
    assert strict.upper_bound < 0.01
    assert (loose.checked, loose.wrong, loose.hit_share) == (510, 100, 1)
    assert loose.upper_bound > loose.wrong_share > 0.19
