"""What a process knows of gates: quick, never in the way, and believed no longer than it is safe."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from caching import gate_rules
from caching.calibration import Calibration
from caching.gate_rules import CheckSource, GateState, TierMode, TierPolicy
from caching.gates import Gates
from caching.protocols import Namespace
from tests.caching.gates.kit import NOW, SPACE, VERSION, Clock, MemoryBook, a_complaint, check, key_of

ADA, MALLORY = Namespace(UUID(int=0xADA)), Namespace(UUID(int=0xBAD))
PROVEN = replace(
    gate_rules.beginning(TierPolicy(), NOW), state=GateState.SERVING, proof=Calibration(0.9, 400, 0, 0.008, 0)
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def make(book, clock) -> Iterator[Callable[..., Gates]]:
    """Gates whose thread waits, so that the test takes its turns."""
    made: list[Gates] = []

    def gates(**given: int) -> Gates:
        limits: Any = {"clock": clock, "pause_seconds": 3_600, **given}
        made.append(Gates(book, space=SPACE, likeness_version=VERSION, policy=TierPolicy(), **limits))
        return made[-1]

    yield gates
    for each in made:
        each.stop()


@pytest.fixture
def gates(make: Callable[..., Gates]) -> Gates:
    return make()


def state(gates: Gates, namespace: Namespace = ADA) -> GateState:
    return gates.gate(namespace, "chat").state


def test_an_unknown_gate_serves_nothing_until_it_has_been_read(gates, book):
    book.standings[key_of(ADA)] = PROVEN

    before = gates.gate(ADA, "chat")
    gates.turn()
    after = gates.gate(ADA, "chat")

    assert before.state is GateState.SHADOW
    assert (after.state, after.threshold) == (GateState.SERVING, 0.9)


def test_a_gate_is_read_by_a_thread_without_anybody_asking_again(book, clock):
    book.standings[key_of(ADA)] = PROVEN
    was_read = threading.Event()
    book.release = was_read.set
    gates = Gates(book, space=SPACE, likeness_version=VERSION, policy=TierPolicy(), clock=clock, pause_seconds=0.01)

    gates.gate(ADA, "chat")

    assert was_read.wait(5)
    assert state(gates) is GateState.SERVING
    gates.stop()


def test_another_organization_has_gates_of_its_own(gates, book):
    book.standings[key_of(ADA)] = PROVEN
    state(gates, ADA), state(gates, MALLORY)
    gates.turn()

    assert state(gates, ADA) is GateState.SERVING
    assert state(gates, MALLORY) is GateState.SHADOW


def test_a_gate_in_use_is_read_again_and_one_that_is_not_is_forgotten(gates, book, clock):
    state(gates, ADA), state(gates, MALLORY)
    for _ in range(62):
        gates.turn()
        clock.advance(10)
        state(gates, ADA)

    assert book.asked_for(ADA.organization_id) == 62
    before = book.asked_for(MALLORY.organization_id)
    clock.advance(10)
    gates.turn()

    assert book.asked_for(MALLORY.organization_id) == before


def test_a_gate_is_not_read_at_every_turn(gates, book, clock):
    state(gates)
    for _ in range(9):
        gates.turn()
        clock.advance(1)

    assert book.asked_for(ADA.organization_id) == 1


def test_while_postgresql_is_away_a_gate_is_believed_for_ten_minutes(gates, book, clock):
    book.standings[key_of(ADA)] = PROVEN
    state(gates)
    gates.turn()
    book.is_away = True

    clock.advance(600)
    gates.turn()
    believed = state(gates)
    clock.advance(1)
    gates.turn()
    doubted = state(gates)
    book.is_away = False
    gates.turn()

    assert (believed, doubted, state(gates)) == (GateState.SERVING, GateState.SHADOW, GateState.SERVING)


def test_an_outage_is_told_once_and_its_end_too(gates, book, caplog):
    caplog.set_level("INFO")
    state(gates)
    for is_away in (True, True, False, False):
        book.is_away = is_away
        gates.turn()

    assert [record.message for record in caplog.records] == ["cache.gates_unreachable", "cache.gates_reachable_again"]


def test_checks_are_written_in_the_background_and_move_the_gate(gates, book, clock):
    state(gates)
    gates.turn()
    book.moved[key_of(ADA)] = PROVEN
    gates.report(check(ADA))

    gates.turn()
    before = list(book.recalibrated)
    clock.advance(10)
    gates.turn()

    assert len(book.checks) == 1
    assert (before, book.recalibrated) == ([], [key_of(ADA)])
    assert state(gates) is GateState.SERVING


def test_many_checks_move_a_gate_once_in_ten_seconds(gates, book, clock):
    for _ in range(30):
        gates.report(check(ADA))
        gates.turn()
        clock.advance(1)

    assert len(book.checks) == 30
    assert len(book.recalibrated) == 2


def test_a_complaint_moves_the_gate_at_once(gates, book):
    gates.report(a_complaint(ADA, 0.95))
    gates.turn()

    assert book.recalibrated == [key_of(ADA)]


def test_praise_is_in_no_hurry(gates, book):
    gates.report(check(ADA, source=CheckSource.FEEDBACK))
    gates.turn()

    assert book.recalibrated == []


def test_checks_are_dropped_and_counted_while_the_record_is_away_or_the_queue_full(make, book):
    gates = make(most_checks=3)
    for _ in range(5):
        gates.report(check(ADA))
    book.is_away = True
    gates.turn()
    book.is_away = False
    gates.report(check(ADA))
    gates.turn()

    assert (gates.dropped, len(book.checks)) == (5, 1)


def test_a_check_that_no_database_would_take_is_dropped_before_it_harms_the_others(gates, book):
    gates.report(check(ADA, task_type="a\x00b"))
    gates.report(check(ADA))
    gates.turn()

    assert (gates.dropped, len(book.checks)) == (1, 1)


def test_a_name_that_no_database_would_take_is_never_asked_for(gates, book):
    assert gates.gate(ADA, "a\x00b").state is GateState.SHADOW
    assert gates.gate(Namespace(ADA.organization_id, "\ud800"), "chat").state is GateState.SHADOW

    gates.turn()

    assert book.reads == []


def test_invented_namespaces_crowd_out_their_inventors_gates_only(make, book):
    gates = make(most_gates=10)
    book.standings[key_of(ADA)] = PROVEN
    for number in range(1_000):
        state(gates, Namespace(MALLORY.organization_id, str(number)))
    state(gates, ADA)

    gates.turn()

    assert book.asked_for(MALLORY.organization_id) == 10
    assert state(gates, ADA) is GateState.SERVING


def test_what_waits_is_written_at_the_end(make, book):
    gates = make()
    gates.report(check(ADA))

    gates.stop()

    assert len(book.checks) == 1


def test_a_gate_that_was_proven_for_another_tolerance_is_moved_anew(gates, book, clock):
    strict = TierPolicy(tolerance=0.005)
    book.standings[key_of(ADA)] = PROVEN
    gates.gate(ADA, "chat", strict)
    gates.turn()

    assert gates.gate(ADA, "chat", strict).state is GateState.SHADOW
    assert state(gates) is GateState.SERVING
    gates.gate(ADA, "chat", strict)
    clock.advance(10)
    gates.turn()
    clock.advance(10)
    gates.turn()

    assert key_of(ADA) in book.recalibrated


def test_a_gate_that_the_policy_has_off_is_off_whatever_is_known(gates, book):
    book.standings[key_of(ADA)] = PROVEN
    off = TierPolicy(TierMode.OFF)

    assert gates.gate(ADA, "chat", off).state is GateState.OFF
    gates.turn()
    assert gates.gate(ADA, "chat", off).state is GateState.OFF
