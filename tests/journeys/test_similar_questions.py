"""Nearly the same question costs nothing the second time, as somebody meets it who has the openai package."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.live import Live

NAMESPACE = "nearly-the-same"
FRANCE = "What is the capital of France?"
LIKEWISE = "What's the capital city of France?"
_LEARNT_SECONDS = 20.0  # an answer is embedded and kept after it was given

_IN_A_ROW = 20
_CARRIED_SECONDS = 1.0  # some times the interval in which workers carry their rows into the database

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(product: Live) -> Iterator[Ask]:
    """Asks with the openai client, in a namespace that serves from a threshold of 0.8 on, once France is known."""
    for key in (product.key, product.rival_key):
        policy = {"semantic": "manual", "semantic_threshold": 0.8}
        status, _, page = product.call(f"/governance/policies/cache/{NAMESPACE}", policy, key=key, method="PUT")
        assert status == 200, page
    with OpenAI(base_url=f"{product.base}/v1", api_key=product.key) as client:

        def asking(text: str, *, key: str = product.key, **options: Any) -> Any:
            return client.with_options(api_key=key).chat.completions.with_raw_response.create(
                model="mock-small",
                messages=[{"role": "user", "content": text}],
                extra_body={"acron": {"cache": {"namespace": NAMESPACE}}},
                **options,
            )

        assert asking(FRANCE, user="near-first").headers["x-acron-cache"] == "MISS"
        wait_until_learnt(product)
        yield asking


def wait_until_learnt(product: Live) -> None:
    """By each worker, which loads its model when it is first asked: so many in a row do not all meet the same one."""
    wish = {"Cache-Control": "only-if-cached"}  # costs nothing and leaves nothing
    end, in_a_row = time.monotonic() + _LEARNT_SECONDS, 0
    while in_a_row < _IN_A_ROW:
        status, _, _ = product.call("/v1/chat/completions", body_of(LIKEWISE), headers=wish)
        in_a_row = in_a_row + 1 if status == 200 else 0
        assert time.monotonic() < end, "France is not known yet"


def body_of(text: str) -> dict[str, Any]:
    return {
        "model": "mock-small",
        "messages": [{"role": "user", "content": text}],
        "acron": {"cache": {"namespace": NAMESPACE}},
    }


def test_nearly_the_same_question_gets_the_answer_that_is_there(ask):
    first, again = ask(FRANCE), ask(LIKEWISE)

    assert again.headers["x-acron-cache"] == "HIT-T2"
    assert 0.8 <= float(again.headers["x-acron-cache-similarity"]) < 1
    assert float(again.headers["x-acron-cost"]) == 0
    assert again.parse().choices[0].message.content == first.parse().choices[0].message.content


@pytest.mark.parametrize(
    "text",
    [
        "What is not the capital of France?",
        "What is the capital of Spain?",
        "What was the capital of France in 1940?",
    ],
)
def test_what_means_something_else_is_asked_for(ask, text):
    assert ask(text).headers["x-acron-cache"] == "MISS"


def test_another_organization_is_told_nothing_of_it(product, ask):
    assert ask(LIKEWISE, key=product.rival_key).headers["x-acron-cache"] == "MISS"


def test_the_hit_stands_in_the_books(product, ask):
    before = settled(product)

    ask(LIKEWISE, user="near-again")
    row = product.ledger_row("near-again")
    after = settled(product)

    assert (row["cache_tier"], row["cache_status"]) == (2, "HIT-T2")
    assert 0.8 <= row["cache_similarity"] < 1
    assert float(row["cost"]) == 0
    assert float(row["savings"]) > 0
    assert after["hits"] == before["hits"] + 1
    assert float(after["avoided_cost"]) > float(before["avoided_cost"])


def settled(product: Live) -> dict[str, Any]:
    """Once the rows of earlier stories are in: each worker carries its own, a moment after the answer."""
    end, seen = time.monotonic() + _LEARNT_SECONDS, second_tier(product)
    while True:
        time.sleep(_CARRIED_SECONDS)
        again = second_tier(product)
        if again == seen:
            return again
        assert time.monotonic() < end, "the books do not come to rest"
        seen = again


def second_tier(product: Live) -> dict[str, Any]:
    status, _, page = product.call("/analytics/cache-performance")
    assert status == 200, page
    tier: dict[str, Any] = page["tiers"]["2"]
    return tier
