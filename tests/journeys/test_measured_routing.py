"""Routing that is measured, in the running product: a hold-out that stays one, and trials that become proofs."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import Live

POLICY = "/governance/policies/routing"
CONVERSATIONS = 40


@pytest.fixture
def measured(product: Live) -> Iterator[Live]:
    wishes = {"holdout_percent": 20, "explores": True, "explore_percent": 100}
    status, _, set_to = product.call(POLICY, wishes, method="PUT")
    assert status == 200, set_to
    yield product
    product.call(POLICY, {}, method="PUT")


def ask(product: Live, user: str) -> dict[str, str]:
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": f"Conversation of {user}"}],
        "user": user,
        "acron": {"task_type": "journey", "quality_threshold": 4.0},
    }
    status, headers, answer = product.call("/v1/chat/completions", body)
    assert status == 200, answer
    return headers


def proofs_of(product: Live, *, key: str | None = None) -> list[dict[str, Any]]:
    _, _, page = product.call(POLICY, key=key)
    return [proof for proof in page["proofs"] if proof["task_type"] == "journey"]


def test_some_conversations_are_held_out_for_good_and_the_others_are_tried(measured: Live):
    users = [f"measured-{number}" for number in range(CONVERSATIONS)]
    first = {user: ask(measured, user) for user in users}
    again = {user: ask(measured, user) for user in users}
    measured.ledger_row(users[-1])

    rows = [row for row in measured.recent() if row["user"] in first and row["kind"] == "answer"]
    arms = {user: {row["arm"] for row in rows if row["user"] == user} for user in users}
    held = [user for user in users if arms[user] == {"holdout"}]

    assert set(map(frozenset, arms.values())) == {frozenset({"holdout"}), frozenset({"optimised"})}
    assert 0 < len(held) < CONVERSATIONS / 2
    for user in users:
        hit = "BYPASS" if user in held else "HIT-T1"
        assert again[user]["x-acron-cache"] == hit
    saved = wait_until_measured(measured, CONVERSATIONS)
    assert saved["holdout_requests"] == 2 * len(held)
    (proof,) = wait_until_tried(measured)
    assert proof["pairs"] > 0
    assert proofs_of(measured, key=measured.rival_key) == []


def wait_until_measured(product: Live, conversations: int, seconds: float = 15.0) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        _, _, savings = product.call("/analytics/savings")
        found: dict[str, Any] = savings["measured"]
        if found["optimised_requests"] + found["holdout_requests"] >= 2 * conversations or time.monotonic() > end:
            return found
        time.sleep(0.2)


def wait_until_tried(product: Live, seconds: float = 30.0) -> list[dict[str, Any]]:
    """Proofs are written by a thread; and a busy machine leaves comparisons out, so there are always more to come."""
    end = time.monotonic() + seconds
    while not (found := proofs_of(product)) and time.monotonic() < end:
        ask(product, f"later-{time.monotonic()}")
        time.sleep(0.2)
    return found
