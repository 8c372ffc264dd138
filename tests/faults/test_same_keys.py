"""A retry under the same `Idempotency-Key` is the same request: answered again, and billed once."""

import asyncio
from dataclasses import replace

from tests.faults import books
from tests.faults.load import Wish, send, send_all, session
from tests.faults.plant import Plant
from tests.faults.test_crowds import wait_until_called


def retried(plant: Plant, story: str, *, model: str = "standin-2000", stream: bool = False) -> Wish:
    asked = f"{story}: once?"
    return Wish(f"{story}-0", asked, plant.product.key, model, stream, idempotency_key=f"{story}-key")


async def test_retries_at_once_and_later_are_one_call(plant: Plant):
    wishes = [retried(plant, "once-plain"), retried(plant, "once-stream", stream=True)]

    at_once = await send_all(plant, wishes * 20)
    later = await send_all(plant, wishes * 5)

    book = await books.balanced(plant, "once", within_seconds=10, hits=48)
    plain = {each.text for each in at_once.sent + later.sent if not each.wish.stream}
    print(f"\nsame key: {at_once} at once; {later} later; {book}")
    assert at_once.besides(200) + later.besides(200) == []
    assert len(plain) == 1
    assert sorted(book.calls) == sorted(book.paid) == sorted(wish.user for wish in wishes)
    assert len(book.rows) == 50


async def test_a_key_stands_for_one_request_of_one_organization(plant: Plant):
    wish = retried(plant, "stands", model="standin-0")

    first = (await send_all(plant, [wish])).sent[0]
    other = await send_all(plant, [replace(wish, question="stands: something else?")] * 4)
    theirs = (await send_all(plant, [replace(wish, user="stands-mallory", key=plant.keys[1])])).sent[0]

    book = await books.balanced(plant, "stands", within_seconds=10)
    print(f"\nother request, other organization: {[each.status for each in other.sent]}, {theirs.status}; {book}")
    assert (first.status, theirs.status) == (200, 200)
    assert {each.status for each in other.sent} == {409}
    assert "stands-mallory" in theirs.text
    assert sorted(book.calls) == ["stands-0", "stands-mallory"]


async def test_a_retry_after_hanging_up_gets_the_answer_of_the_first_call(plant: Plant):
    wishes = [retried(plant, "anew-plain"), retried(plant, "anew-stream", stream=True)]

    async with session(keeps_connections=False) as client:
        given_up = [asyncio.create_task(send(client, plant, wish)) for wish in wishes]
        for wish in wishes:
            await asyncio.to_thread(wait_until_called, plant, wish.user)
        for task in given_up:
            task.cancel()
        await asyncio.wait(given_up)
        again = await send_all(plant, wishes * 4)

    book = await books.balanced(plant, "anew", within_seconds=10, hits=8)
    print(f"\nhung up, then tried again: {again}; {book}")
    assert again.besides(200) == []
    assert sorted(book.calls) == sorted(wish.user for wish in wishes)
    assert all(each.wish.user in each.text for each in again.sent)
