"""Facts come out of PostgreSQL as they went into a line."""

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acron_site.lib.ids import uuid7
from analytics import rows, wiring
from analytics.carrier import Batch, Carrier
from analytics.events import CostStatus, EventKind, EventStatus, TokenCounts
from analytics.models import InferenceEvent
from tests.analytics.conftest import Table
from tests.analytics.facts import cache_hit, paid_answer

NASTY = [
    "plain",
    "tab\tnewline\nreturn\rbackslash\\ end",
    r"\N",
    r"\.",
    "\\",
    "quotes ' \" and $$",
    "é ü ß \u202e 漢字 \U0001f600\U0001f468\u200d\U0001f469",
    "\x01\x1f\x7f\x85\u2028",
    "   ",
]


def carry(ledger, *all_facts) -> None:
    for facts in all_facts:
        ledger.open(facts)
    ledger.carry()


def test_the_columns_of_a_line_are_those_of_the_table():
    columns = {field.column for field in InferenceEvent._meta.concrete_fields}

    assert {*rows.COLUMNS, "worker"} == columns
    assert len(set(rows.COLUMNS)) == len(rows.COLUMNS)


def test_every_fact_comes_back_as_it_was(ledger, table: Table):
    facts = paid_answer(
        table.organization_id,
        key_id=uuid7(),
        end_user="user-7",
        task_type="summary",
        tags={"team": "search", "weird": 'tab\t "quoted" back\\slash \U0001f600'},
        tokens=TokenCounts(1, 2, 3, 4, 5, 6, 7, 8, 9),
        cost_usd=Decimal("12345678901234567890.123456789012345678"),
        cost_breakdown={"input": "0.0000025"},
        saved_usd=Decimal("-1E-18"),
        baseline_cost_usd=Decimal("1E+3"),
        prompt_cache_saved_usd=Decimal("-0.000000000000000001"),
        speed="fast",
        geography="us",
        kind=EventKind.SIDE,
        stream=True,
        first_token_ms=12.5,
        error_code="",
        attempt=3,
        price_version="2026-11-12",
        service_tier="flex",
        usage_flag="cached above prompt",
    )

    carry(ledger, facts)

    row = table.row()
    assert row["event_id"] == facts.event_id
    assert row["key_id"] == facts.key_id
    assert row["occurred_at"] == facts.occurred_at
    assert row["settled_at"] >= facts.occurred_at
    assert row["tags"] == facts.tags
    assert row["cost_breakdown"] == {"input": "0.0000025"}
    assert [row[name] for name in rows.TOKEN_COLUMNS] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert (row["cost_usd"], row["saved_usd"]) == (facts.cost_usd, facts.saved_usd)
    assert row["baseline_cost_usd"] == 1000
    assert row["prompt_cache_saved_usd"] == facts.prompt_cache_saved_usd
    assert {name: row[name] for name in rows.TEXT_COLUMNS} == {
        name: str(getattr(facts, name)) for name in rows.TEXT_COLUMNS
    }
    same = ("stream", "first_token_ms", "attempt", "latency_ms", "overhead_ms", "quality_score", "http_status")
    assert {name: row[name] for name in same} == {name: getattr(facts, name) for name in same}


def test_lines_of_a_version_that_knew_fewer_columns_are_carried_in(table: Table, directory: Path):
    new = {"speed", "geography", "kind", "prompt_cache_saved_usd"}
    line = rows.encode(paid_answer(table.organization_id)).decode().removesuffix("\n").split("\t")
    kept = [(name, text) for name, text in zip(rows.COLUMNS, line, strict=True) if name not in new]
    names, texts = zip(*kept, strict=True)

    carrier = Carrier(wiring.connect, directory / "rejects")
    carrier.carry(Batch("old", names, ("\t".join(texts) + "\n").encode()))
    carrier.close()

    assert {name: table.row()[name] for name in new} == {
        "speed": "",
        "geography": "",
        "kind": "answer",
        "prompt_cache_saved_usd": None,
    }


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_survive(ledger, table: Table, text: str):
    carry(ledger, paid_answer(table.organization_id, end_user=text, route_reason=text, tags={text: text}))

    row = table.row()
    assert (row["end_user"], row["route_reason"], row["tags"]) == (text, text, {text: text})


def test_what_postgresql_cannot_hold_is_made_to_fit(ledger, table: Table):
    carry(
        ledger,
        paid_answer(
            table.organization_id,
            end_user="a\x00b\ud800c",
            model_requested="m" * 10_000_000,
            tags={"\x00k\udfff": "\ud83d", **{f"tag-{number}": "v" * 10_000 for number in range(1000)}},
            tokens=TokenCounts(input=-5, output=10**30),
            latency_ms=math.nan,
            first_token_ms=math.inf,
        ),
    )

    row = table.row()
    assert row["end_user"] == "ab\ufffdc"
    assert row["model_requested"] == "m" * 500
    assert row["tags"]["k\ufffd"] == "\ufffd"
    assert len(row["tags"]) == 50
    assert (row["tokens_input"], row["tokens_output"]) == (0, 2**63 - 1)
    assert (row["latency_ms"], row["first_token_ms"]) == (0, None)


@pytest.mark.parametrize(
    ("cost", "status", "expected"),
    [
        (Decimal("0.5"), CostStatus.PRICED, (Decimal("0.5"), "priced")),
        (None, CostStatus.PRICED, (None, "unpriced")),
        (None, CostStatus.ESTIMATED, (None, "unpriced")),
        (Decimal(0), CostStatus.UNPRICED, (None, "unpriced")),
        (None, CostStatus.FREE, (Decimal(0), "free")),
    ],
)
def test_a_missing_price_is_never_a_price_of_zero(ledger, table: Table, cost, status, expected):
    carry(ledger, cache_hit(table.organization_id, cost_usd=cost, cost_status=status))

    row = table.row()
    assert (row["cost_usd"], row["cost_status"]) == expected


def test_only_an_ended_row_says_when_it_was_settled(ledger, table: Table):
    carry(ledger, paid_answer(table.organization_id, status=EventStatus.STARTED))

    assert table.row()["settled_at"] is None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(max_size=100), min_size=1, max_size=40))
def test_any_text_survives(ledger, table: Table, texts: list[Any]):
    written = [paid_answer(table.organization_id, end_user=text, tags={"text": text}) for text in texts]
    carry(ledger, *written)

    kept = {row["event_id"]: (row["end_user"], row["tags"]["text"]) for row in table.rows()}
    for facts, text in zip(written, texts, strict=True):
        assert kept[facts.event_id] == (rows.storable(text), rows.storable(text))
