"""What is handed over for keeping: every answered request of organizations that want it, and nobody else's."""

import asyncio
from dataclasses import replace

import orjson

from analytics.content import Content
from tests.inference.kit import ADA, MALLORY, Kit, ask, events_of
from tests.inference.script import Scene, Script

KEEPING = replace(ADA, keeps_content=True)


class Remembered:
    def __init__(self) -> None:
        self.contents: list[Content] = []

    def keep(self, content: Content) -> None:
        self.contents.append(content)


def said(content: Content) -> tuple[str, str]:
    asked, answered = orjson.loads(content.asked), orjson.loads(content.answered)
    return asked["messages"][0]["content"], answered["choices"][0]["message"]["content"]


async def test_an_answer_a_hit_and_a_stream_are_each_kept_under_their_own_event():
    kept = Remembered()
    kit = Kit(content=kept)

    miss = await kit.answer(KEEPING, ask("What is one?"))
    hit = await kit.answer(KEEPING, ask("What is one?"))
    streamed = await kit.answer(KEEPING, ask("What is two?", stream=True))
    await events_of(streamed)
    replayed = await kit.answer(KEEPING, ask("What is two?", stream=True))
    await events_of(replayed)

    events = [answer.facts.event_id for answer in (miss, hit, streamed, replayed)]
    assert [content.event_id for content in kept.contents] == events == list(kit.ledger.rows)
    texts = [said(content) for content in kept.contents]
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    assert [question for question, _ in texts] == ["What is one?"] * 2 + ["What is two?"] * 2
    assert all(answer for _, answer in texts)


async def test_nothing_is_kept_of_organizations_that_do_not_want_it():
    kept = Remembered()
    kit = Kit(content=kept)

    await kit.answer(ADA, ask())
    await kit.answer(ADA, ask())
    await kit.answer(MALLORY, ask())

    assert kept.contents == []


async def test_of_requests_that_share_a_call_each_is_kept_under_its_own_event():
    kept = Remembered()
    go = asyncio.Event()
    kit = Kit(content=kept, transport=Script(Scene(waits_for=go)))
    asking = [asyncio.ensure_future(kit.answer(KEEPING, ask())) for _ in range(3)]
    for _ in range(50):
        await asyncio.sleep(0)

    go.set()
    answers = await asyncio.gather(*asking)

    assert len(kit.transport.calls) == 1
    assert {content.event_id for content in kept.contents} == {answer.facts.event_id for answer in answers}
    assert len(kept.contents) == 3
