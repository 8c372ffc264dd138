"""What a call may use at most: nothing that a provider can bill is more than what was held for it."""

import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics.events import TokenCounts
from inference import catalog as catalogs
from inference import pricing, worst_case
from inference.catalog import Model
from inference.domain import Usage
from inference.prices import PriceSheet, Rates
from tests.inference.asks import ask, openai_model

CATALOG = Path(__file__).parents[2] / "config" / "models.yaml"
DOLLAR, CENT = Decimal(1), Decimal("0.01")
TEXT = [{"role": "user", "content": "Name three rivers."}]


def rates(into: Decimal | int, out: Decimal | int, **more: Any) -> Rates:
    return Rates(input=Decimal(into), output=Decimal(out), **more)


def model(prices: PriceSheet | None = None, **fields: Any) -> Model:
    """A token costs a cent to send and a dollar to get."""
    return openai_model(prices=prices or PriceSheet(rates={"standard": rates(CENT, DOLLAR)}), **fields)


def most(priced: Model, *, sent_bytes: int = 0, **fields: Any) -> Decimal | None:
    return worst_case.cost(ask(**fields), priced, sent_bytes=sent_bytes)


def parts(*content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
FILE = {"type": "file", "file": {"file_id": "file-1"}}
WORDS = {"type": "text", "text": "What is this?"}


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 7}, 7),
        ({"max_tokens": 7, "max_completion_tokens": 9}, 9),
        ({"max_tokens": 7, "n": 3}, 21),
        ({}, worst_case.OUTPUT_TOKENS),
        ({"max_tokens": 7, "prediction": {"content": "x" * 100}}, 7 + len(str({"content": "x" * 100}))),
    ],
)
def test_the_whole_answer_that_is_allowed_is_held(fields, tokens):
    assert most(model(), **fields) == tokens * DOLLAR


def test_a_byte_that_is_sent_may_be_a_token():
    assert most(model(), sent_bytes=500, max_tokens=1) == 500 * CENT + DOLLAR


@pytest.mark.parametrize(
    ("content", "window", "tokens"),
    [
        ((WORDS,), 8_000, 0),
        ((WORDS, PICTURE), 8_000, 50_000),
        ((PICTURE, WORDS, PICTURE), 8_000, 100_000),
        ((WORDS, FILE), 8_000, 8_000),
        ((WORDS, FILE), 0, 1_000_000),
        ((FILE, PICTURE), 8_000, 58_000),
    ],
)
def test_what_an_address_stands_for_is_held_whatever_its_length(content, window, tokens):
    held = most(model(context_window=window), messages=parts(*content), max_tokens=1)

    assert held == tokens * CENT + DOLLAR


@pytest.mark.parametrize(("window", "tokens"), [(8_000, 8_000), (0, 1_000_000)])
def test_what_a_provider_adds_of_its_own_is_held_up_to_the_context(window, tokens):
    unseen = replace(ask(max_tokens=1), sketched={"messages": TEXT, "max_tokens": 1, "unseen_input": True})

    held = worst_case.cost(unseen, model(context_window=window), sent_bytes=100)

    assert held == (100 + tokens) * CENT + DOLLAR


TIERS = PriceSheet(
    rates={"standard": rates(1, 10), "flex": rates(Decimal("0.5"), 5), "priority": rates(2, 20), "batch": rates(0, 0)}
)


@pytest.mark.parametrize(
    ("tier", "a_token"),
    [
        (None, 10), ("default", 10), ("standard", 10),
        ("flex", 10),  # a provider may answer at standard conditions
        ("priority", 20), ("auto", 20), ("a new one", 20), (["odd"], 20),
    ],
)  # fmt: skip
def test_a_tier_is_held_at_the_dearest_that_it_may_turn_out_to_be(tier, a_token):
    fields = {} if tier is None else {"service_tier": tier}

    assert most(model(TIERS), max_tokens=1, **fields) == a_token


def test_a_prompt_that_may_be_long_is_held_at_the_rates_for_long_ones():
    prices = replace(TIERS, long_context_tokens=100, long_rates={"standard": rates(2, 15)})

    assert most(model(prices), sent_bytes=100, max_tokens=1) == 100 + 10
    assert most(model(prices), sent_bytes=101, max_tokens=1) == 101 * 2 + 15


@pytest.mark.parametrize("bucket", ["cache_write", "cache_write_long", "input_audio"])
def test_the_dearest_way_to_take_a_token_in_is_held(bucket):
    prices = PriceSheet(rates={"standard": rates(1, 0, **{bucket: Decimal(3)})})

    assert most(model(prices), sent_bytes=10, max_tokens=1) == 30


def test_surcharges_are_held():
    prices = PriceSheet(
        rates={"standard": rates(0, 10)},
        speeds={"fast": Decimal(2)},
        geographies={"us": Decimal("1.1"), "eu": Decimal("1.2")},
        per_call={"web_search": CENT},
    )

    assert most(model(prices), max_tokens=1) == 12
    assert most(model(prices), max_tokens=1, speed="fast") == 24
    searches: list[dict[str, Any]] = [{"web_search_options": {}}, {"tools": [{"type": "web_search_20250305"}]}]
    for search in searches:
        assert most(model(prices), max_tokens=1, **search) == 12 + 10 * CENT
    assert most(model(prices), max_tokens=1, tools=[{"type": "function", "function": {"name": "search"}}]) == 12


@pytest.mark.parametrize(
    "prices",
    [
        PriceSheet(),
        PriceSheet(rates={"standard": Rates(input=DOLLAR)}),
        PriceSheet(rates={"standard": Rates(output=DOLLAR)}),
        PriceSheet(rates={"priority": rates(1, 1)}),
        PriceSheet(rates={"standard": rates(1, 1)}, long_context_tokens=1),
    ],
)
def test_without_a_price_nothing_can_be_held(prices):
    assert most(model(prices), sent_bytes=10, max_tokens=1) is None


def test_an_answer_without_a_limit_gets_one_and_a_limit_stays():
    def sent(fields: dict[str, Any], priced: Model) -> dict[str, Any]:
        return dict(worst_case.limited(ask(**fields), priced).body)

    assert sent({}, model())["max_tokens"] == worst_case.OUTPUT_TOKENS
    assert sent({}, model(max_output_tokens=100))["max_tokens"] == 100
    assert sent({"max_tokens": 9}, model()) == dict(ask(max_tokens=9).body)
    assert sent({"max_completion_tokens": 9}, model()) == dict(ask(max_completion_tokens=9).body)


def test_tokens_a_minute_go_by_the_text_and_the_answers_asked_for():
    assert worst_case.tokens(ask(messages=TEXT, max_tokens=50)) == worst_case.tokens(ask(messages=TEXT)) - 350
    assert worst_case.tokens(ask(messages=TEXT, max_tokens=50, n=2)) == 50 + worst_case.tokens(
        ask(messages=TEXT, max_tokens=50)
    )


def test_no_bill_is_higher_than_what_was_held():
    """Every model with a price, with whatever a provider may report of a call that kept to its limits."""
    draw, compared = random.Random(7), 0
    for priced in catalogs.load(CATALOG, {}, mock=False).chat_models():
        for _ in range(40):
            sent_bytes, limit, answers = draw.choice((0, 900, 300_000)), draw.choice((1, 800)), draw.choice((1, 4))
            tier = draw.choice((None, "flex", "auto", *priced.prices.rates))
            fields: dict[str, Any] = {"max_tokens": limit, "n": answers}
            fields |= {} if tier is None else {"service_tier": tier}
            fields |= draw.choice(({}, {"speed": "fast"})) | draw.choice(({}, {"web_search_options": {}}))
            held = most(priced, sent_bytes=sent_bytes, **fields)
            bill = pricing.cost(_usage(draw, priced, fields, sent_bytes), priced.prices).amount
            if held is not None and bill is not None:
                assert bill <= held, (priced.name, fields, sent_bytes)
                compared += 1

    assert compared > 500


def _usage(draw: random.Random, priced: Model, fields: dict[str, Any], sent_bytes: int) -> Usage:
    into = draw.choice(("input", "cache_read", "cache_write", "cache_write_long", "input_audio"))
    out = draw.choice(("output", "output_audio"))
    # a caller who asks for a cheap tier, or for none, is not moved to a dear one
    kept_cheap = fields.get("service_tier") in (None, "standard", "flex", "batch")
    possible = [tier for tier in priced.prices.rates if not kept_cheap or tier in ("standard", "flex", "batch")]
    counts = {into: draw.choice((sent_bytes, sent_bytes // 4)), out: fields["max_tokens"] * fields["n"]}
    return Usage(
        tokens=TokenCounts(**counts, web_searches=10 if "web_search_options" in fields else 0),
        service_tier=draw.choice(possible or ["standard"]),
        speed=draw.choice(("", "fast")) if "speed" in fields else "",
        geography=draw.choice(("", "us", "eu")),
    )
