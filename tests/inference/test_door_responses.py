"""`/v1/responses` as its callers meet it: answered, streamed, kept, refused, and kept apart."""

import time
from typing import Any

import orjson
import pytest

from accounts.principal import Principal
from acron_site.lib.errors import InvalidRequestError, UpstreamError
from analytics.events import EventStatus
from inference.domain import Answer
from inference.wire import responses
from inference.wire.http import Head
from tests.inference import stub
from tests.inference.asgi import call
from tests.inference.doors import hostile_bodies, key, make_door
from tests.inference.kit import ADA, MALLORY, Kit, Present
from tests.inference.test_own_provider_keys import Installation, with_key
from tests.inference.test_providers_responses import BEGINNING, DELTAS, LAST, RESPONSE, STREAM, event
from tests.inference.typed import events_of, rebuilt, response_of

ASKED: dict[str, Any] = {"model": "mock-small", "input": "What is the capital of France?"}


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def post(kit: Kit, name: str = "ada", /, **fields: Any) -> Any:
    return await call(make_door(kit), "/v1/responses", {**ASKED, **fields}, headers=key(name))


async def test_a_response_is_answered_and_kept(kit):
    first, second = await post(kit), await post(kit)

    told = response_of(first.json())
    assert told["output"][0]["content"][0]["text"]
    assert (first.headers["x-acron-cache"], second.headers["x-acron-cache"]) == ("MISS", "HIT-T1")
    assert first.body == second.body
    rows = list(kit.ledger.rows.values())
    assert {row.endpoint for row in rows} == {"responses"}
    assert rows[0].tokens.output == told["usage"]["output_tokens"] > 0


async def test_a_stream_and_its_replay_tell_the_same_answer(kit):
    streamed = await post(kit, stream=True)
    again = await post(kit, stream=True)
    plain = await post(kit)

    assert [answer.headers["x-acron-cache"] for answer in (streamed, again, plain)] == ["MISS", "HIT-T1", "HIT-T1"]
    for answer in (streamed, again):
        told = events_of(answer.body)
        assert told[-1]["response"] == plain.json()
        assert rebuilt(told) == plain.json()["output"]
    assert kit.ledger.rows[next(iter(kit.ledger.rows))].status is EventStatus.OK


async def test_what_an_answer_repeats_belongs_to_its_own_request(kit):
    await post(kit, metadata={"trace": "1"}, user="u1")

    other = await post(kit, metadata={"trace": "2"}, user="u2")

    assert other.headers["x-acron-cache"] == "MISS"
    assert (other.json()["metadata"], other.json()["user"]) == ({"trace": "2"}, "u2")


async def test_formats_and_organizations_share_nothing(kit):
    await post(kit)
    chat = {"model": "mock-small", "messages": [{"role": "user", "content": ASKED["input"]}]}

    theirs = await post(kit, "mallory")
    other = await call(make_door(kit), "/v1/chat/completions", chat, headers=key())

    assert (theirs.headers["x-acron-cache"], other.headers["x-acron-cache"]) == ("MISS", "MISS")


async def test_the_model_may_be_left_to_us():
    answer = await post(Kit(mock=True), model="auto", text={"format": {"type": "json_object"}})

    assert answer.status == 200
    assert answer.headers["x-acron-route-reason"].startswith("cheapest")
    assert orjson.loads(answer.json()["output"][0]["content"][0]["text"])


async def test_a_cut_answer_is_incomplete_and_not_kept(kit):
    first = await post(kit, max_output_tokens=3)
    second = await post(kit, max_output_tokens=3)

    assert first.json()["incomplete_details"] == {"reason": "max_output_tokens"}
    assert second.headers["x-acron-cache"] == "MISS"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"background": True}, "background"),
        ({"input": None}, "input"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name_before_anything_is_spent(kit, fields, param):
    answer = await post(kit, **fields)

    assert (answer.status, answer.json()["error"]["param"]) == (400, param)
    assert kit.ledger.rows == {}


async def test_a_broken_stream_ends_with_an_error_and_never_with_a_response(kit):
    answer = await post(kit, model="mock-cut-stream", stream=True)

    told = events_of(answer.body.rpartition(b"event: error")[0])
    assert told[-1]["type"] == "response.output_text.delta"
    assert b'"code":"upstream_error"' in answer.body
    assert b"response.completed" not in answer.body
    assert kit.ledger.last.status is EventStatus.ERROR


async def test_dropped_fields_are_named(kit):
    answer = await post(kit, store=True, truncation="auto")

    assert set(answer.headers["x-acron-dropped-params"].split(",")) == {"store", "truncation"}


async def test_malformed_bodies_are_never_our_failure(kit):
    door = make_door(kit)
    for body in hostile_bodies():
        response = await call(door, "/v1/responses", body.replace(b'"messages"', b'"input"'), headers=key())

        assert response.status < 500, (body[:200], response.body)
        if response.status != 200:
            assert response.json()["error"]["message"], body[:200]


@pytest.fixture
def install(tmp_path):
    """An installation whose operator has a key at OpenAI, which is the stub."""

    def make(provider: stub.Stub) -> Installation:
        return Installation(provider, tmp_path, mock=False, environ={"OPENAI_API_KEY": "operators"}, private_hosts="")

    return make


async def answered(installation: Installation, principal: Principal, **fields: Any) -> Answer:
    document = {"model": "bright", "input": "Where?", **fields}
    asked = responses.read(orjson.dumps(document), Head("req_1", time.perf_counter()))
    return await installation.gateway.answer(principal, asked, Present())


async def told_by(answer: Answer) -> bytes:
    assert answer.stream is not None
    return b"".join([piece async for piece in answer.stream])


async def test_openai_answers_in_its_own_words_and_keeps_only_what_belongs_to_one_organization(install):
    async with stub.serve((stub.answer(RESPONSE),)) as provider:
        installation = install(provider)
        shared = await answered(installation, MALLORY, store=True)
        own = await answered(installation, with_key(ADA, "adas"), store=True, previous_response_id="resp_0")
        with pytest.raises(InvalidRequestError, match="/settings/providers"):
            await answered(installation, MALLORY, previous_response_id="resp_0")
        await installation.providers.close()

    assert shared.body == own.body == orjson.dumps(RESPONSE)
    first, second = provider.received
    assert (first.json["store"], second.json["store"]) == (False, True)
    assert second.json["previous_response_id"] == "resp_0"
    assert [used == "Bearer adas" for used in installation.keys_used] == [False, True]
    assert {first.path, second.path} == {"/v1/responses"}
    assert installation.ledger.last.tokens.reasoning == 3


async def test_a_native_stream_is_relayed_whole_and_told_again_from_the_cache(install):
    async with stub.serve(stub.stream([*BEGINNING, *DELTAS, LAST])) as provider:
        installation = install(provider)
        first = await told_by(await answered(installation, MALLORY, stream=True))
        row = installation.ledger.last
        again = await answered(installation, MALLORY)
        await installation.providers.close()

    assert first == STREAM
    assert (row.status, row.tokens.output) == (EventStatus.OK, 9)
    assert orjson.loads(again.body) == RESPONSE
    assert len(provider.received) == 1


async def test_a_native_failure_midway_is_told_and_recorded(install):
    failed = event("response.failed", response={**RESPONSE, "status": "failed", "error": {"message": "It broke."}})
    async with stub.serve(stub.stream([*BEGINNING, *DELTAS, failed])) as provider:
        installation = install(provider)
        with pytest.raises(UpstreamError, match="It broke"):  # all of it came at once, so no event was told yet
            await answered(installation, MALLORY, stream=True)
        await installation.providers.close()

    row = next(iter(installation.ledger.rows.values()))
    assert (row.status, row.tokens.output) == (EventStatus.ERROR, 3)
