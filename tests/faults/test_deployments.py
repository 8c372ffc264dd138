"""A model's deployments stand in for each other, and a fallback for the model."""

import asyncio
from collections import Counter

from tests.faults import books
from tests.faults.load import Wish, send_all
from tests.faults.plant import Plant

_COUNT = 300


async def test_all_are_served_while_one_of_three_deployments_is_dead(plant: Plant):
    before = Counter((await asyncio.to_thread(plant.provider))["addresses"])
    wishes = [Wish(f"spread-{n}", f"spread: {n}?", plant.product.key, "spread", bool(n % 2)) for n in range(_COUNT)]

    logs = [await send_all(plant, wishes[start : start + 30]) for start in range(0, _COUNT, 30)]

    book = await books.balanced(plant, "spread", within_seconds=10)
    state = await asyncio.to_thread(plant.provider)
    shares = {address: count - before[address] for address, count in state["addresses"].items()}
    first, second = shares["/v1/chat/completions"], shares["/second/v1/chat/completions"]
    failed = [row for row in book.rows if row[1] == "error"]
    print(f"\none of three is dead: {first} and {second} calls at the others, {len(failed)} failed; {book}")
    assert [each for log in logs for each in log.besides(200)] == []
    assert len(book.calls) == first + second == _COUNT
    # a weight of two against one
    assert 1.3 < first / second < 3
    assert all(cost == 0 for _, _, _, cost, _ in failed)
    assert book.users("ok") == {wish.user for wish in wishes}


async def test_a_fallback_answers_while_the_models_own_provider_is_down(plant: Plant):
    wishes = [
        Wish(f"instead-{n}", f"instead: {n}?", plant.product.key, "dead", bool(n % 2), fallbacks=("standin-0",))
        for n in range(40)
    ]

    log = await send_all(plant, wishes)

    book = await books.balanced(plant, "instead", within_seconds=10)
    rows = await asyncio.to_thread(plant.reasons, "instead")
    answered = [(user, model, reason) for user, model, _, status, reason in rows if status == "ok"]
    reasons = Counter(reason for _, _, reason in answered)
    print(f"\nfallback: {log}; {book}; {dict(reasons)}")
    assert log.besides(200) == []
    assert sorted(user for user, _, _ in answered) == sorted(wish.user for wish in wishes) == sorted(book.calls)
    assert {model for _, model, _ in answered} == {"standin-0"}
    assert all("dead" in reason for reason in reasons)
