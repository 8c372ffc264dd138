"""Many callers who ask the same thing at the same time cost one call, whatever becomes of the first of them."""

import asyncio
import json
from collections import Counter
from decimal import Decimal

import aiohttp

from tests.faults import books
from tests.faults.books import Books
from tests.faults.load import Log, Wish, send, send_all, session
from tests.faults.plant import Plant
from tests.faults.test_crowds import wait_until_called

_ANSWER_USD = Decimal("0.00004")
_SLOW = "standin-2000"  # slow enough for the last to come while the first still waits


def same(
    plant: Plant, story: str, count: int, *, model: str = _SLOW, key: str = "", stream: bool = False
) -> list[Wish]:
    asked = f"{story}: the same for all?"
    return [Wish(f"{story}-{n}", asked, key or plant.product.key, model, stream) for n in range(count)]


def cost(book: Books) -> Decimal:
    return sum((cost for *_, cost, _ in book.rows), Decimal(0))


async def test_a_thousand_identical_requests_cost_one_call(plant: Plant):
    log = await send_all(plant, same(plant, "thousand", 1000))

    book = await books.balanced(plant, "thousand", within_seconds=20, hits=999)
    print(f"\n1,000 identical: {log}; {Counter(each.cache for each in log.sent)}; {book}; cost {cost(book)}")
    assert log.besides(200) == []
    # each has an id and a time of its own
    said = {json.dumps(json.loads(each.text)["choices"]) for each in log.sent}
    assert len(said) == 1
    assert len(book.calls) == 1
    assert (len(book.rows), len(book.paid)) == (1000, 1)
    assert cost(book) == _ANSWER_USD


async def test_three_hundred_identical_streams_cost_one_call(plant: Plant):
    log = await send_all(plant, same(plant, "streams", 300, stream=True))

    book = await books.balanced(plant, "streams", within_seconds=20, hits=299)
    print(f"\n300 identical streams: {log}; {Counter(each.cache for each in log.sent)}; {book}; cost {cost(book)}")
    assert log.besides(200) == []
    assert len(book.calls) == 1
    assert (len(book.rows), len(book.paid)) == (300, 1)
    assert cost(book) == _ANSWER_USD


async def test_who_waits_is_served_when_the_first_hangs_up(plant: Plant):
    plain, streamed = same(plant, "leader", 100), same(plant, "ahead", 100, stream=True)

    async with session() as client, asyncio.TaskGroup() as group:
        logs = [group.create_task(without_the_first(client, plant, wishes)) for wishes in (plain, streamed)]

    for story, log in zip(("leader", "ahead"), [await each for each in logs], strict=True):
        book = await books.balanced(plant, story, within_seconds=10, hits=98)
        print(f"\nthe first of {story} hangs up: {log}; {book}; cost {cost(book)}")
        assert log.besides(200) == []
        assert len(book.calls) == 1
        assert len(book.rows) == 100
        assert cost(book) == _ANSWER_USD


async def without_the_first(client: aiohttp.ClientSession, plant: Plant, wishes: list[Wish]) -> Log:
    first = asyncio.create_task(send(client, plant, wishes[0]))
    await asyncio.to_thread(wait_until_called, plant, wishes[0].user)
    others = [asyncio.create_task(send(client, plant, wish)) for wish in wishes[1:]]
    await asyncio.sleep(1.3)  # all are there by then, on a slow machine too, and the first still waits
    first.cancel()
    return Log(list(await asyncio.gather(*others)))


async def test_a_provider_that_fails_is_not_stampeded_either(plant: Plant):
    log = await send_all(plant, same(plant, "failing", 1000, model="sick-late-500"))

    book = await books.balanced(plant, "failing", within_seconds=20, hits=900)
    seen = Counter(each.status for each in log.sent)
    print(f"\n1,000 identical, failing: {log}; {dict(seen)}; {book}; cost {cost(book)}")
    assert seen.keys() <= {502, 503}
    assert 1 <= len(book.calls) <= 10
    assert cost(book) == 0


async def test_two_organizations_never_share_a_call(plant: Plant):
    wishes = same(plant, "walls-ada", 50) + same(plant, "walls-mallory", 50, key=plant.keys[1])
    wishes = [Wish(each.user, "walls: the same for all?", each.key, each.model) for each in wishes]

    log = await send_all(plant, wishes)

    book = await books.balanced(plant, "walls", within_seconds=10, hits=98)
    print(f"\ntwo organizations: {log}; {book}; cost {cost(book)}")
    assert log.besides(200) == []
    assert sorted(call.split("-")[1] for call in book.calls) == ["ada", "mallory"]
    assert all(each.wish.user.rpartition("-")[0] in each.text for each in log.sent)
    assert cost(book) == 2 * _ANSWER_USD
