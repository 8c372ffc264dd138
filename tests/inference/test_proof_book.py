"""The book of proofs: from memory, never waited for, and the catalogue's figures where nobody can say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from acron_site.lib.ids import uuid7
from inference.proof_book import ProofBook, ProofsUnavailableError
from inference.routing.proofs import Pair, PairSource, Proof, Proofs, ProofState, Standing

ADA, MALLORY = UUID(int=0xADA), UUID(int=0xBAD)
PROVEN = Proofs({"code": (Proof("small", "large", Standing(state=ProofState.PROVEN)),)})


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Records:
    def __init__(self) -> None:
        self.proofs: dict[UUID, Proofs] = {}
        self.pairs: list[Pair] = []
        self.reads = 0
        self.is_away = False

    def read(self, organization_id: UUID) -> Proofs:
        if self.is_away:
            raise ProofsUnavailableError("away")
        self.reads += 1
        return self.proofs.get(organization_id, Proofs())

    def write(self, pairs: Sequence[Pair]) -> int:
        if self.is_away:
            raise ProofsUnavailableError("away")
        self.pairs += pairs
        return len(pairs)

    def release(self) -> None:
        return None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def book(records, clock):
    # its own thread sleeps through the test: turns are taken by hand
    book = ProofBook(records, clock=clock, pause_seconds=60.0, most_pairs=3)
    yield book
    book.stop()


def pair(**changes) -> Pair:
    given = Pair(
        id=uuid7(),
        organization_id=ADA,
        task_type="code",
        model="small",
        reference="large",
        lost=False,
        method="exact",
        source=PairSource.TRIAL,
        request_id="req_1",
        occurred_at=datetime.now(UTC),
    )
    return replace(given, **changes)


def test_what_is_asked_for_is_known_after_the_next_turn(book, records):
    records.proofs[ADA] = PROVEN

    before = book.known(ADA)
    book.turn()

    assert before is None
    assert book.known(ADA) is PROVEN
    assert book.known(MALLORY) is None


def test_proofs_in_use_are_read_again_every_ten_seconds_and_others_forgotten(book, records, clock):
    book.known(ADA)
    reads = []
    for seconds in (0, 9, 1, 601):
        clock.now += seconds
        book.turn()
        reads.append(records.reads)

    assert reads == [1, 1, 2, 2]
    assert book.known(ADA) is None


def test_while_the_database_is_away_proofs_are_believed_for_ten_minutes_and_then_nothing_is(
    book, records, clock, caplog
):
    caplog.set_level("INFO")
    records.proofs[ADA] = PROVEN
    book.known(ADA)
    book.turn()
    records.is_away = True

    believed = []
    for seconds in (300, 299, 2):
        clock.now += seconds
        book.turn()
        believed.append(book.known(ADA))
    records.is_away = False
    book.turn()

    assert believed == [PROVEN, PROVEN, None]
    assert book.known(ADA) is PROVEN
    assert [record.message for record in caplog.records] == [
        "routing.proofs_unreachable",
        "routing.proofs_reachable_again",
    ]


def test_a_pair_moves_what_is_known_in_the_same_turn(book, records):
    book.known(ADA)
    book.turn()
    records.proofs[ADA] = PROVEN

    book.report(pair())
    book.turn()

    assert len(records.pairs) == 1
    assert book.known(ADA) is PROVEN


def test_what_does_not_fit_is_dropped_and_counted(book, records):
    for _ in range(5):
        book.report(pair())
    book.report(pair(task_type="x" * 65))

    book.turn()

    assert (len(records.pairs), book.dropped) == (3, 3)


def test_pairs_that_the_record_refuses_are_dropped_and_counted(book, records):
    records.is_away = True
    book.report(pair())

    book.turn()

    assert (records.pairs, book.dropped) == ([], 1)


def test_what_waits_at_the_end_is_written(records, clock):
    book = ProofBook(records, clock=clock, pause_seconds=60.0)
    book.report(pair())

    book.stop()

    assert len(records.pairs) == 1
