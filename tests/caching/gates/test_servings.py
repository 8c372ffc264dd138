"""What was served is on record soon after, so that it can be complained of, and never in the way."""

from dataclasses import replace
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import Organization
from acron_site.lib.ids import uuid7
from caching.gate_book import DatabaseBook, SamePolicy
from caching.gate_rules import TierPolicy
from caching.gates import Gates
from caching.models import SemanticServing
from caching.protocols import Namespace
from caching.servings import Serving
from tests.caching.gates.kit import NOW, SPACE, VERSION, MemoryBook, key_of

ADA = Namespace(UUID(int=0xADA))


def serving(namespace: Namespace = ADA) -> Serving:
    return Serving(uuid7(), key_of(namespace), "req_1", uuid7(), 0.93, 0.97, timezone.now())


@pytest.fixture
def book() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def gates(book):
    made = Gates(book, space=SPACE, likeness_version=VERSION, policy=TierPolicy(), pause_seconds=3_600)
    yield made
    made.stop()


def test_servings_are_written_with_the_next_turn(gates, book):
    made = [serving() for _ in range(3)]
    for each in made:
        gates.note_serving(each)

    gates.turn()

    assert book.servings == made


@pytest.mark.parametrize("request_id", ["x" * 200, "a\0b"])
def test_what_a_database_does_not_take_is_left_out(gates, book, request_id):
    gates.note_serving(replace(serving(), request_id=request_id))
    gates.turn()

    assert book.servings == []


def test_while_the_record_is_away_servings_are_dropped_and_nobody_notices(gates, book):
    book.is_away = True
    gates.note_serving(serving())
    gates.turn()

    book.is_away = False
    gates.turn()

    assert book.servings == []


@pytest.mark.django_db
def test_a_repetition_changes_nothing_and_an_organization_that_has_gone_is_left_out():
    organization = Organization.objects.create(name="Ada", slug="ada-served")
    ours, gone = serving(Namespace(organization.pk)), serving(Namespace(uuid7()))
    book = DatabaseBook(SamePolicy(TierPolicy()), now=lambda: NOW)

    for _ in range(2):
        book.keep_servings([ours, gone])

    (row,) = SemanticServing.all_organizations.all()
    assert (row.pk, row.request_id, row.score, row.neighbour_id) == (ours.id, "req_1", 0.93, ours.neighbour_id)
