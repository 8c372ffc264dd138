"""What an organization says of detected tasks moves its own close calls, and nobody else's."""

from collections.abc import Iterable
from uuid import UUID

import pytest

from analytics.models import Feedback
from caching.policies import Policies, Policy
from inference import task_records
from inference.routing.tasks import Correction
from inference.task_book import Corrections, CorrectionsUnavailableError, TaskBook
from inference.visits import Visits
from tests.accounts.conftest import signed_up
from tests.analytics.facts import keep, paid_answer
from tests.inference.kit import ADA, MALLORY, Kit, SettledPolicies, ask

_UNCLEAR = "bees and the sea"
_TAUGHT = (Correction("general", "writing", 40),)


class Known:
    def known(self, organization_id: UUID) -> Corrections:
        return _TAUGHT if organization_id == ADA.organization_id else ()


def test_only_the_organization_that_taught_it_gets_another_task():
    kit = Kit(mock=True)
    visits = Visits(kit.router, SettledPolicies(Policies(Policy())), secret=b"secret", corrections=Known())
    asks = [ask(_UNCLEAR, model="auto") for _ in range(2)]

    for principal, asked in zip((ADA, MALLORY), asks, strict=True):
        assert visits.known(principal, asked)

    assert [kit.router.route(asked).task_type for asked in asks] == ["writing", "general"]


async def test_the_book_never_waits_and_knows_it_the_next_time():
    book = TaskBook(lambda organization_id: _TAUGHT)

    assert book.known(ADA.organization_id) == ()
    await book.settled()

    assert book.known(ADA.organization_id) == _TAUGHT
    book.stop()


async def test_what_was_known_is_believed_while_the_database_is_away():
    now, answers = [0.0], iter([_TAUGHT])

    def read(organization_id: UUID) -> Corrections:
        for found in answers:
            return found
        raise CorrectionsUnavailableError

    book = TaskBook(read, clock=lambda: now[0])
    book.known(ADA.organization_id)
    await book.settled()
    now[0] = 100.0

    book.known(ADA.organization_id)
    await book.settled()

    assert book.known(ADA.organization_id) == _TAUGHT
    book.stop()


@pytest.mark.django_db
def test_opinions_are_counted_against_the_record():
    ada, mallory = signed_up("Ada"), signed_up("Mallory")
    _say(ada, [("general", "code")] * 3 + [("code", "general"), ("code", "code"), ("general", "")])

    assert task_records.found(ada.organization.pk) == (Correction("general", "code", 2),)
    assert task_records.found(mallory.organization.pk) == ()


def _say(person, opinions: Iterable[tuple[str, str]]) -> None:
    for index, (said, meant) in enumerate(opinions):
        keep(paid_answer(organization_id=person.organization.pk, request_id=f"req_{index}", task_type=said))
        Feedback.objects.for_organization(person.organization.pk).create(
            organization_id=person.organization.pk, request_id=f"req_{index}", task_type=meant
        )
