"""What the ledger says a key has spent, read from PostgreSQL as a worker reads it: in a thread."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection

from accounts.limits.domain import Subject
from accounts.limits.spending import LedgerUnreadableError
from accounts.models import ApiKey
from accounts.scopes import Scope
from accounts.services import api_keys
from analytics.events import CostStatus, EventStatus
from inference import budgets
from tests.accounts.conftest import Person, signed_up
from tests.analytics.facts import cache_hit, keep, paid_answer

# committed rows: another connection reads them
pytestmark = pytest.mark.django_db(transaction=True)

MONTH = datetime(2026, 11, 1, tzinfo=UTC)
NOON = MONTH + timedelta(days=11, hours=12)


@pytest.fixture
def ada() -> Person:
    return signed_up("Ada")


@pytest.fixture
def key(ada: Person) -> ApiKey:
    return api_keys.create(ada.actor, "batch", scopes=[Scope.INFER]).key


def spent(organization_id: UUID, key_id: UUID) -> Decimal:
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(budgets.spent, Subject(organization_id, "key", key_id), MONTH).result()


def paid(key: ApiKey, usd: str, **changes: object) -> None:
    keep(
        paid_answer(key.organization_id, **{"key_id": key.pk, "occurred_at": NOON, "cost_usd": Decimal(usd), **changes})
    )


def test_it_is_the_sum_of_the_month_to_the_last_digit(key):
    paid(key, "0.1")
    paid(key, "0.000000000000000001")
    paid(key, "0.2", occurred_at=MONTH)
    paid(key, "4", occurred_at=MONTH - timedelta(microseconds=1))

    assert spent(key.organization_id, key.pk) == Decimal("0.300000000000000001")


def test_nothing_asked_is_nothing_spent(key):
    total = spent(key.organization_id, key.pk)

    assert (total, type(total)) == (Decimal(0), Decimal)


def test_calls_that_failed_or_were_broken_off_count_with_what_they_cost(key):
    paid(key, "0.1", status=EventStatus.ERROR)
    paid(key, "0.2", status=EventStatus.CLIENT_GONE)
    paid(key, "0.4", status=EventStatus.INTERRUPTED, cost_status=CostStatus.ESTIMATED)

    assert spent(key.organization_id, key.pk) == Decimal("0.7")


def test_calls_under_way_hits_and_what_has_no_price_do_not_count(key):
    paid(key, "8", status=EventStatus.STARTED)
    keep(cache_hit(key.organization_id, key_id=key.pk, occurred_at=NOON))
    keep(
        paid_answer(
            key.organization_id, key_id=key.pk, occurred_at=NOON, cost_usd=None, cost_status=CostStatus.UNPRICED
        )
    )

    assert spent(key.organization_id, key.pk) == 0


def test_a_rolled_key_has_spent_what_those_before_it_spent(ada, key):
    second = api_keys.roll(ada.actor, key.pk).key
    third = api_keys.roll(ada.actor, second.pk).key
    other = api_keys.create(ada.actor, "other", scopes=[Scope.INFER]).key
    for each, usd in ((key, "0.1"), (second, "0.2"), (third, "0.4"), (other, "8")):
        paid(each, usd)

    assert spent(ada.organization.pk, key.pk) == Decimal("0.7")
    assert spent(ada.organization.pk, other.pk) == 8


def test_another_organizations_rows_are_never_counted(key):
    mallory = signed_up("Mallory")
    keep(paid_answer(mallory.organization.pk, key_id=key.pk, occurred_at=NOON, cost_usd=Decimal(8)))

    assert spent(key.organization_id, key.pk) == 0
    assert spent(mallory.organization.pk, key.pk) == 8


def test_a_database_that_fails_says_so(key):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE analytics_inferenceevent RENAME TO away")
    try:
        with pytest.raises(LedgerUnreadableError, match="ProgrammingError"):
            spent(key.organization_id, key.pk)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO analytics_inferenceevent")
