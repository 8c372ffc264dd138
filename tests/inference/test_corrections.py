"""A price that was wrong is put right beside the ledger: the rows stay, the sums are right."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from acron_site.lib.errors import ConflictError
from analytics import selectors
from analytics.events import CostStatus, EventKind, EventStatus, InferenceFacts, TokenCounts
from analytics.models import CostAdjustment, InferenceEvent
from inference import accounting, adjusting, facts, price_book, pricing
from inference.adjusting import Outcome, Span
from inference.domain import Usage
from inference.prices import UNPRICED, PriceSheet
from tests.accounts.conftest import Person, signed_up
from tests.analytics.facts import cache_hit, keep, paid_answer
from tests.inference.test_price_book import models_file, offer
from tests.inference.test_price_changes import sheet

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
DAY = Span(NOON, NOON + timedelta(days=1))
WRONG, RIGHT = sheet("2"), sheet("3")
TOKENS = TokenCounts(input=1_000_000, cache_read=1_000_000, output=100_000)
USED = Usage(tokens=TOKENS)


@pytest.fixture
def ada() -> Person:
    return signed_up("Ada")


@pytest.fixture(autouse=True)
def book() -> None:
    price_book.take_in(offer(sol=WRONG, luna=sheet("1")), NOON - timedelta(days=9))
    price_book.take_in(offer(sol=RIGHT, luna=sheet("1")), NOON + timedelta(days=9))


def answer(
    organization_id: UUID, prices: PriceSheet = WRONG, *, usage: Usage = USED, **changes: object
) -> InferenceFacts:
    """As the gateway would have written it: by the prices that it held for right."""
    cost = pricing.cost(usage, prices)
    baseline = pricing.cost(accounting.plain(usage), prices).amount
    uncached = pricing.cost(accounting.without_prompt_cache(usage), prices).amount
    bill = accounting.Bill(
        cost,
        "sol",
        baseline,
        accounting.difference(baseline, cost.amount),
        accounting.difference(uncached, cost.amount),
    )
    written = {**facts.money(usage, bill), "model": "sol", "occurred_at": NOON, **changes}
    return paid_answer(organization_id, **written)


def correct(sheet: PriceSheet = RIGHT, *, model: str = "sol", span: Span = DAY) -> Outcome:
    found = adjusting.apply(adjusting.correction(model, sheet, "mistyped"), span)
    return adjusting.total(outcome for _, outcome in found)


def test_the_sums_become_what_they_would_have_been_and_the_rows_stay(ada):
    row = answer(ada.organization.pk)
    keep(row)
    before = list(InferenceEvent.objects.for_organization(ada.organization.pk).values())

    outcome = correct()

    metrics = selectors.totals(ada.organization.pk)
    assert (outcome.rows, outcome.cost_usd) == (1, Decimal(2))
    assert metrics.total_cost == pricing.cost(USED, RIGHT).amount == 7
    assert metrics.adjustments.cost == 2
    assert metrics.baseline_cost == metrics.total_cost + metrics.saved
    assert list(InferenceEvent.objects.for_organization(ada.organization.pk).values()) == before
    (shown,) = selectors.recent(ada.organization.pk, 10).rows
    assert (shown.cost_usd, shown.adjusted_cost_usd) == (Decimal(5), Decimal(7))
    (made,) = shown.adjustments
    assert (made.amount_usd, made.old_price_version, made.new_price_version) == (
        Decimal(2),
        WRONG.version,
        RIGHT.version,
    )
    assert made.reason == "mistyped"


@pytest.mark.parametrize(
    "usage",
    [
        replace(USED, service_tier="batch"),
        replace(USED, speed="fast", geography="us"),
        replace(USED, is_estimate=True),
    ],
)
def test_whatever_set_the_price_sets_the_right_one_too(ada, usage):
    wrong, right = (
        replace(
            prices,
            rates={**prices.rates, "batch": prices.rates["standard"]},
            speeds={"fast": Decimal(2)},
            geographies={"us": Decimal("1.1")},
        )
        for prices in (WRONG, RIGHT)
    )
    keep(answer(ada.organization.pk, wrong, usage=usage))

    price_book.take_in(offer(sol=right, luna=sheet("1")), NOON + timedelta(days=10))
    correct(right)

    assert selectors.totals(ada.organization.pk).total_cost == pricing.cost(usage, right).amount


def test_a_correction_is_made_once(ada):
    keep(answer(ada.organization.pk))

    assert (correct().rows, correct().rows) == (1, 0)
    assert CostAdjustment.objects.for_organization(ada.organization.pk).count() == 1


def test_a_correction_may_be_corrected_and_taken_back(ada):
    keep(answer(ada.organization.pk))
    dearest = sheet("4")
    price_book.take_in(offer(sol=dearest, luna=sheet("1")), NOON + timedelta(days=10))

    correct()
    correct(dearest)
    assert selectors.totals(ada.organization.pk).total_cost == 9
    correct(WRONG)
    assert selectors.totals(ada.organization.pk).total_cost == 5

    again = correct()
    assert (again.rows, again.repeated) == (0, 1)


def test_a_price_that_was_missing_is_found_and_the_row_is_no_longer_counted_without(ada):
    keep(answer(ada.organization.pk, UNPRICED, baseline_cost_usd=Decimal(9)))
    assert selectors.totals(ada.organization.pk).unpriced == 1

    correct()

    metrics = selectors.totals(ada.organization.pk)
    assert (metrics.total_cost, metrics.unpriced) == (Decimal(7), 0)
    assert metrics.saved == metrics.baseline_cost - metrics.total_cost


def test_a_price_that_is_missing_in_the_new_sheet_changes_nothing(ada):
    keep(
        answer(
            ada.organization.pk, usage=replace(USED, speed="fast"), cost_usd=Decimal(5), cost_status=CostStatus.PRICED
        )
    )

    assert correct().rows == 0


def test_a_hit_avoided_the_right_price(ada):
    keep(
        cache_hit(
            ada.organization.pk, model="sol", baseline_model="sol", tokens=TOKENS, occurred_at=NOON,
            baseline_cost_usd=Decimal(5), saved_usd=Decimal(5),
        )
    )  # fmt: skip

    correct()

    metrics = selectors.totals(ada.organization.pk)
    assert (metrics.total_cost, metrics.saved) == (Decimal(0), Decimal(7))


def test_what_the_gateways_own_calls_cost_is_taken_off_the_savings_at_the_right_price(ada):
    keep(
        answer(
            ada.organization.pk, kind=EventKind.OVERHEAD, baseline_model="", baseline_cost_usd=None, saved_usd=None,
            prompt_cache_saved_usd=None,
        )
    )  # fmt: skip
    assert selectors.totals(ada.organization.pk).saved == -5

    correct()

    metrics = selectors.totals(ada.organization.pk)
    assert (metrics.total_cost, metrics.saved, metrics.baseline_cost) == (Decimal(7), Decimal(-7), Decimal(0))


@pytest.mark.parametrize(
    "changes",
    [
        {"occurred_at": NOON - timedelta(microseconds=1)},
        {"occurred_at": NOON + timedelta(days=1)},
        {"model": "luna", "baseline_model": "luna"},
        {"status": EventStatus.STARTED},
        # a test key's answer, and a call that a provider refused
        {
            "cost_usd": Decimal(0),
            "cost_status": CostStatus.FREE,
            "baseline_cost_usd": Decimal(0),
            "saved_usd": Decimal(0),
        },
        # another model answered under this one's name, and was priced as what it is
        {"price_version": sheet("1").version, "baseline_model": ""},
    ],
)
def test_what_the_correction_does_not_speak_of_is_left_alone(ada, changes):
    keep(answer(ada.organization.pk, **changes))

    assert correct() == Outcome()


def test_what_a_key_has_spent_follows(ada):
    key_id = UUID(int=5)
    keep(answer(ada.organization.pk, key_id=key_id), answer(ada.organization.pk, UNPRICED, key_id=key_id))
    assert selectors.unpriced_tokens(ada.organization.pk, [key_id], NOON).total_input == 2_000_000

    correct()

    assert selectors.spent_by_keys(ada.organization.pk, [key_id], NOON) == 14
    assert selectors.spent_by_keys(ada.organization.pk, [UUID(int=6)], NOON) == 0
    assert selectors.unpriced_tokens(ada.organization.pk, [key_id], NOON).total_input == 0


def test_every_organization_is_corrected_and_sees_its_own(ada):
    mallory = signed_up("Mallory")
    keep(answer(ada.organization.pk), answer(mallory.organization.pk), answer(mallory.organization.pk))
    keep(answer(UUID(int=9)))  # of an organization that is gone

    assert correct().rows == 3
    assert selectors.totals(ada.organization.pk).adjustments.cost == 2
    assert selectors.totals(mallory.organization.pk).adjustments.cost == 4


def test_many_rows_of_one_moment_are_each_corrected_once(ada):
    keep(*(answer(ada.organization.pk) for _ in range(2_001)))

    assert correct().rows == 2_001


def test_prices_that_the_book_does_not_hold_are_refused(ada):
    keep(answer(ada.organization.pk))

    with pytest.raises(ConflictError, match="import_prices --file FILE --apply"):
        correct(sheet("7"))


def corrected(*arguments: str) -> str:
    out = StringIO()
    call_command("correct_prices", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_shows_first_and_writes_when_told(ada, tmp_path):
    file = models_file(tmp_path, "3")
    call_command("import_prices", "--file", file, "--apply", "--valid-from", "2026-11-26", stdout=StringIO())
    keep(answer(ada.organization.pk))
    asked = ["--model", "sol", "--from", "2026-11-12", "--to", "2026-11-13", "--file", file]

    shown = corrected(*asked)
    assert "1 adjustments, cost 1.1 USD, saved 0 USD, to write: repeat with --apply" in shown
    assert selectors.totals(ada.organization.pk).adjustments.cost == 0

    (written,) = json.loads(corrected(*asked, "--apply", "--json"))
    assert (written["organization_id"], Decimal(written["cost_usd"])) == (str(ada.organization.pk), Decimal("1.1"))
    assert selectors.totals(ada.organization.pk).adjustments.cost == Decimal("1.1")


def test_the_command_names_a_model_that_is_not_in_the_file(tmp_path):
    with pytest.raises(CommandError, match="no model called 'moon'"):
        corrected("--model", "moon", "--from", "2026-11-12", "--to", "2026-11-13", "--file", models_file(tmp_path, "3"))
