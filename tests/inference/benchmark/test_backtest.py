"""A back-test prices an organization's own past under another policy, and changes nothing."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from analytics.events import EventKind, TokenCounts
from analytics.models import InferenceEvent
from tests.accounts.conftest import Person, signed_up
from tests.analytics.facts import cache_hit, keep, paid_answer

pytestmark = pytest.mark.django_db

TOKENS = TokenCounts(input=1_000, output=100)
MODELS = """
providers: {own: {kind: openai-compatible, base_url: "https://models.example.com/v1"}}
models:
  dear:
    provider: own
    quality: {default: 4.5}
    prices: {source: list, as_of: 2026-11-12, standard: {input: 1, output: 10}}
  middling:
    provider: own
    quality: {default: 4.0, code: 3.0}
    prices: {source: list, as_of: 2026-11-12, standard: {input: 0.5, output: 5}}
  cheap:
    provider: own
    quality: {default: 3.0}
    prices: {source: list, as_of: 2026-11-12, standard: {input: 0.1, output: 1}}
"""
# what each model takes for TOKENS
DEAR, MIDDLING, CHEAP = Decimal("0.002"), Decimal("0.001"), Decimal("0.0002")


@pytest.fixture
def ada() -> Person:
    return signed_up("Ada")


@pytest.fixture
def models(tmp_path) -> str:
    path = tmp_path / "models.yaml"
    path.write_text(MODELS)
    return str(path)


def called(person: Person, **changes) -> None:
    row = {"model": "dear", "routing_mode": "autopilot", "tokens": TOKENS, "cost_usd": DEAR}
    keep(paid_answer(person.organization.pk, **{**row, **changes}))


def backtest(person: Person, models: str, tmp_path, *arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(
        "backtest",
        *("--organization", person.organization.slug, "--models-file", models, "--json"),
        *("--output", str(tmp_path / "out"), *arguments),
        stdout=out,
        stderr=StringIO(),
    )
    figures: dict[str, Any] = json.loads(out.getvalue())["figures"]
    return figures


def test_calls_go_where_the_policy_would_have_sent_them(ada, models, tmp_path):
    called(ada)
    called(ada, task_type="code")
    before = list(InferenceEvent.objects.for_organization(ada.organization.pk).values())

    figures = backtest(ada, models, tmp_path, "--quality-threshold", "3.5")

    # code stays with the dear model, for the middling one is not good enough at it
    assert Decimal(figures["paid_usd"]["value"]) == 2 * DEAR
    assert Decimal(figures["policy_usd"]["value"]) == DEAR + MIDDLING
    assert (figures["moved"]["value"], figures["kept"]["value"]) == (1, 1)
    assert list(InferenceEvent.objects.for_organization(ada.organization.pk).values()) == before


@pytest.mark.parametrize(
    ("arguments", "cost"),
    [
        (("--quality-threshold", "2"), CHEAP),
        (("--quality-threshold", "2", "--models", "middling", "dear"), MIDDLING),
        (("--quality-threshold", "4.9"), DEAR),
    ],
)
def test_the_threshold_and_the_models_make_the_policy(ada, models, tmp_path, arguments, cost):
    called(ada)

    assert Decimal(backtest(ada, models, tmp_path, *arguments)["policy_usd"]["value"]) == cost


def test_other_prices_are_tried_on_the_same_calls(ada, models, tmp_path):
    called(ada)
    prices = tmp_path / "prices.yaml"
    prices.write_text(MODELS.replace("input: 1, output: 10", "input: 2, output: 20"))

    figures = backtest(ada, models, tmp_path, "--quality-threshold", "4.4", "--prices", str(prices))

    assert Decimal(figures["policy_usd"]["value"]) == 2 * DEAR
    assert figures["saved_share"]["value"] == -1


def test_what_was_asked_for_by_name_stays_unless_told(ada, models, tmp_path):
    called(ada, routing_mode="explicit")

    stays = backtest(ada, models, tmp_path, "--quality-threshold", "2")
    moves = backtest(ada, models, tmp_path, "--quality-threshold", "2", "--move-explicit")

    assert Decimal(stays["policy_usd"]["value"]) == DEAR
    assert Decimal(moves["policy_usd"]["value"]) == CHEAP


def test_hits_overhead_and_what_has_no_price_move_nowhere(ada, models, tmp_path):
    keep(cache_hit(ada.organization.pk, tokens=TOKENS))
    called(ada, cost_usd=None, cost_status="unpriced", saved_usd=None)
    called(ada, kind=EventKind.OVERHEAD)

    figures = backtest(ada, models, tmp_path, "--quality-threshold", "2")

    assert Decimal(figures["policy_usd"]["value"]) == Decimal(figures["paid_usd"]["value"]) == DEAR
    assert (figures["hits"]["value"], figures["unpriced"]["value"], figures["moved"]["value"]) == (1, 1, 0)


def test_a_move_gives_up_the_providers_prompt_cache(ada, models, tmp_path):
    called(ada, tokens=TokenCounts(cache_read=1_000, output=100))

    assert Decimal(backtest(ada, models, tmp_path, "--quality-threshold", "2")["policy_usd"]["value"]) == CHEAP


def test_another_organizations_rows_and_older_days_are_not_looked_at(ada, models, tmp_path):
    called(signed_up("Mallory"))
    called(ada, occurred_at=datetime.now(UTC) - timedelta(days=8))
    called(ada, occurred_at=datetime.now(UTC) - timedelta(days=6))

    figures = backtest(ada, models, tmp_path, "--days", "7")

    assert Decimal(figures["paid_usd"]["value"]) == DEAR


def test_an_empty_past_still_makes_a_report(ada, models, tmp_path):
    figures = backtest(ada, models, tmp_path)

    assert (figures["paid_usd"]["value"], figures["saved_share"]["value"]) == ("0", None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--models", "unheard-of"), "unheard-of"),
        (("--days", "0"), "no number of days"),
        (("--quality-threshold", "nan"), "no quality from 0 to 5"),
        (("--prices", "missing.yaml"), "missing.yaml"),
        (("--organization", "nobody"), "nobody"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(ada, models, tmp_path, arguments, says):
    with pytest.raises(CommandError, match=says):
        backtest(ada, models, tmp_path, *arguments)
