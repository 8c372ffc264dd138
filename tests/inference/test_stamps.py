"""Each hit is an answer of its own: a new id and a new time, and every other byte as it was kept."""

import time
from uuid import UUID

import orjson
import pytest

from inference import stamps
from inference.domain import Ask, CacheStatus, Format, RoutingMode
from inference.wire import messages, responses
from inference.wire.http import Head
from tests.inference.kit import ADA, Kit, ask, bytes_of, events_of

IDENTITY = UUID(int=0x5EED)


def asked(spoken: Format, **body: object) -> Ask:
    return Ask("req_1", "x", RoutingMode.EXPLICIT, "m", body=body, format=spoken)


def renewed(body: bytes, spoken: Format, **fields: object) -> bytes:
    found = stamps.find(body, asked(spoken, **fields))
    return stamps.renewed(body, found, identity=IDENTITY, moment=1_800_000_000)


@pytest.mark.parametrize(
    ("spoken", "body", "expected"),
    [
        (
            Format.CHAT,
            b'{"id":"chatcmpl-1","object":"chat.completion","created":12,"choices":[{"id":"x","created":5}]}',
            b'{"id":"chatcmpl-%b","object":"chat.completion","created":1800000000,"choices":[{"id":"x","created":5}]}',
        ),
        (
            Format.CHAT,
            b'{"choices":[{"message":{"id":"n","a":"\\"id\\":1 } {"}}], "id" : "gen-a-b", "created" : 7 }',
            b'{"choices":[{"message":{"id":"n","a":"\\"id\\":1 } {"}}], "id" : "gen-%b", "created" : 1800000000 }',
        ),
        (Format.CHAT, b'{"id":"a","choices":[]}', b'{"id":"%b","choices":[]}'),
        (
            Format.MESSAGES,
            b'{"id":"msg_1","content":[{"id":"toolu_1"}]}',
            b'{"id":"msg_%b","content":[{"id":"toolu_1"}]}',
        ),
    ],
)
def test_only_the_outermost_id_and_time_change(spoken, body, expected):
    assert renewed(body, spoken) == expected.replace(b"%b", IDENTITY.hex.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"object":"chat.completion","created":1}',
        b'{"created":1,"id":"a"}',
        b'{"id":7,"created":1}',
        b'{"id":"with \\" inside","created":1}',
        b"[]",
        b"",
    ],
)
def test_what_has_another_shape_stays_as_it_was(body):
    assert renewed(body, Format.CHAT) == body


def test_a_response_that_the_provider_stores_keeps_the_id_by_which_it_is_found_there():
    body = b'{"id":"resp_1","created_at":1,"output":[{"id":"msg_1"}]}'

    assert renewed(body, Format.RESPONSES) == renewed(body, Format.RESPONSES, store=True) == body
    assert orjson.loads(renewed(body, Format.RESPONSES, store=False)) == {
        "id": f"resp_{IDENTITY.hex}",
        "created_at": 1_800_000_000,
        "output": [{"id": "msg_1"}],
    }


def test_an_embedding_has_neither():
    body = b'{"object":"list","data":[]}'

    assert renewed(body, Format.EMBEDDINGS) == body


async def test_each_hit_has_an_id_and_a_time_of_its_own_and_the_same_usage():
    kit = Kit()
    first = await kit.answer(ADA, ask())
    began = int(time.time())

    hits = [await kit.answer(ADA, ask()) for _ in range(2)]

    told = [orjson.loads(answer.body) for answer in (first, *hits)]
    assert {hit.facts.cache_status for hit in hits} == {CacheStatus.HIT_T1}
    assert len({document["id"] for document in told}) == 3
    assert all(document["created"] >= began for document in told[1:])
    rest = [{name: value for name, value in document.items() if name not in ("id", "created")} for document in told]
    assert rest[0] == rest[1] == rest[2]


async def test_the_id_of_a_hit_leads_to_its_row_in_the_ledger():
    kit = Kit()
    await kit.answer(ADA, ask())

    hit = await kit.answer(ADA, ask())

    assert orjson.loads(hit.body)["id"] == f"chatcmpl-{hit.facts.event_id.hex}"


async def test_a_hit_that_is_streamed_tells_its_own_id_in_every_piece():
    kit = Kit()
    first = await kit.answer(ADA, ask())

    hit = await kit.answer(ADA, ask(stream=True))

    ids = {event["id"] for event in await events_of(hit)}
    assert ids == {f"chatcmpl-{hit.facts.event_id.hex}"}
    assert ids.isdisjoint({orjson.loads(first.body)["id"]})


@pytest.mark.parametrize("read", [messages.read, responses.read])
async def test_a_hit_in_another_format_is_an_answer_of_its_own_too(read):
    kit = Kit()
    body = {
        messages.read: {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]},
        responses.read: {"input": "Hello", "store": False},
    }[read]

    def asked_for(**more: object) -> Ask:
        asked: Ask = read(orjson.dumps({"model": "mock-small", **body, **more}), Head("req_test", 0.0))
        return asked

    first = await kit.answer(ADA, asked_for())
    again = await kit.answer(ADA, asked_for())
    streamed = await kit.answer(ADA, asked_for(stream=True))

    ids = [orjson.loads(answer.body)["id"] for answer in (first, again)]
    assert again.facts.cache_status == streamed.facts.cache_status == CacheStatus.HIT_T1
    assert ids[0] != ids[1]
    events = await bytes_of(streamed)
    assert streamed.facts.event_id.hex.encode() in events
    assert ids[0].encode() not in events


async def test_the_same_idempotency_key_is_answered_with_the_same_bytes():
    kit = Kit()
    await kit.answer(ADA, ask())  # so that the first under the key is a hit

    first = await kit.answer(ADA, ask(head={"idempotency_key": "k1"}))
    again = await kit.answer(ADA, ask(head={"idempotency_key": "k1"}))

    assert first.body == again.body


async def test_the_same_idempotency_key_repeats_a_providers_answer_to_the_byte():
    kit = Kit()

    first = await kit.answer(ADA, ask(head={"idempotency_key": "k1"}))
    again = await kit.answer(ADA, ask(head={"idempotency_key": "k1"}))
    later = await kit.answer(ADA, ask())

    assert first.body == again.body != later.body


async def test_making_an_answer_new_takes_microseconds():
    body = orjson.dumps({"id": "chatcmpl-1", "created": 1, "choices": [{"message": {"content": "word " * 200}}]})
    found = stamps.find(body, asked(Format.CHAT))

    best = min(_seconds_per_call(body, found) for _ in range(5))

    assert best < 30e-6  # 1 us when nothing watches; coverage makes each line several times as dear


def _seconds_per_call(body: bytes, found: stamps.Stamps) -> float:
    began = time.process_time()
    for _ in range(10_000):
        stamps.renewed(body, found, identity=IDENTITY, moment=1)
    return (time.process_time() - began) / 10_000
