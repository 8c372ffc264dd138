"""A provider that is down is not called again and again, is back soon, and no caller can make it look down."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.faults import books
from tests.faults.load import Log, Sent, Wish, send_all
from tests.faults.plant import Plant

_OPEN_SECONDS = 4  # 30 by default: a product with this setting shows the same in less time
_BACK_SECONDS = _OPEN_SECONDS + 5  # what is promised: 30 + 5
_WAVES, _WAVE = 6, 100


@pytest.fixture(scope="module")
def hasty(bare_plant: Plant) -> Iterator[Plant]:
    settings = {"ASAHI_PROVIDERS_BREAKER_OPEN_SECONDS": str(_OPEN_SECONDS)}
    with bare_plant.another_product("hasty", workers=2, also=settings) as plant:
        yield plant


def wave(plant: Plant, story: str, number: int, model: str) -> list[Wish]:
    users = (f"{story}-{number}-{n}" for n in range(_WAVE))
    return [
        Wish(user, f"{user}: are you there?", plant.product.key, model, bool(n % 2)) for n, user in enumerate(users)
    ]


async def test_a_total_outage_costs_few_calls_and_is_over_soon_after_its_end(hasty: Plant):
    await asyncio.to_thread(hasty.make_provider, "sick")

    log = Log()
    for number in range(_WAVES):
        log.sent += (await send_all(hasty, wave(hasty, "outage", number, "sick-500"))).sent
    book = await books.balanced(hasty, "outage", within_seconds=10)
    await asyncio.to_thread(hasty.make_provider, "well")
    healed_at = time.monotonic()
    first = await until_served(hasty)
    back_after = time.monotonic() - healed_at
    afterwards = await send_all(hasty, wave(hasty, "outage", _WAVES, "sick-500"))

    a_request = len(book.calls) / len(log.sent)
    print(f"\noutage: {log}; {len(book.calls)} calls, {a_request:.3f} a request; back after {back_after:.1f} s; {book}")
    assert {each.status for each in log.sent} <= {502, 503}
    assert all(each.retry_after for each in log.sent if each.status == 503)
    assert a_request <= 1.5
    assert back_after < _BACK_SECONDS
    assert first.cache == "MISS"
    assert afterwards.besides(200) == []


async def until_served(plant: Plant) -> Sent:
    """The first answer, and one more from either worker."""
    end, turn = time.monotonic() + 40, 0
    while True:
        turn += 1
        users = [f"back-{turn}-{n}" for n in range(8)]  # enough for both workers to be asked
        asked = [Wish(user, f"{user}: are you back?", plant.product.key, "sick-500") for user in users]
        log = await send_all(plant, asked)
        if log.besides(200) == []:
            return log.sent[0]
        assert time.monotonic() < end, log.besides(200)[0]
        await asyncio.sleep(0.1)


async def test_one_callers_mistakes_never_shut_a_provider_out_for_others(hasty: Plant):
    await asyncio.to_thread(hasty.make_provider, "sick")
    users = [f"mistake-{n}!{fault}" for n in range(60) for fault in ("400", "404")]
    mistakes = [Wish(user, f"{user}: wrong?", hasty.keys[1]) for user in users]

    theirs = await send_all(hasty, mistakes)
    ours = await send_all(hasty, wave(hasty, "careful", 0, "standin-0"))

    book = await books.balanced(hasty, "mistake", within_seconds=10)
    print(f"\nmistakes: {theirs}; {book}; others meanwhile: {ours}")
    assert {each.status for each in theirs.sent} == {400, 404}
    assert len(book.calls) == len(mistakes)
    assert sum(cost for *_, cost, _ in book.rows) == 0
    assert ours.besides(200) == []
