"""Embeddings: what is taken in, what goes to the provider, and what the mock provider makes of it."""

import base64
import math
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from openai.types import CreateEmbeddingResponse

from acron_site.lib.errors import InvalidRequestError, UpstreamError
from analytics.events import CostStatus, TokenCounts
from inference import catalog as catalogs
from inference import keeping, pricing, worst_case
from inference.domain import Ask, Format, RoutingMode, Usage
from inference.prices import PriceSheet, Rates
from inference.providers.base import Call
from inference.providers.embeddings import EmbeddingsDialect
from inference.providers.mock import MockTransport
from inference.routing.needs import needs_of
from inference.wire import embeddings
from inference.wire.http import Head
from tests.inference.asgi import call
from tests.inference.asks import openai_model
from tests.inference.doors import hostile_bodies, key, make_door
from tests.inference.kit import Kit

CATALOG = Path(__file__).parents[2] / "config" / "models.yaml"
DIALECT = EmbeddingsDialect(api_key="k")
GOOD: dict[str, Any] = {"model": "an-embedding", "input": "Name three rivers."}


def ask(**fields: Any) -> Ask:
    return embeddings.read(orjson.dumps({**GOOD, **fields}), Head("req_1", 0.0))


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ("x" * 40, 12),
        (["x" * 40, "y" * 40], 23),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 12),
        ([[1] * 10, [2] * 10], 23),
        (["x" * 40, [2] * 10], 23),
    ],
)
def test_texts_and_tokens_are_taken_in_and_estimated(given, tokens):
    asked = ask(input=given, dimensions=8, encoding_format="base64", user="u")

    assert asked.body == {**GOOD, "input": given, "dimensions": 8, "encoding_format": "base64", "user": "u"}
    assert (asked.format, asked.mode, asked.end_user) == (Format.EMBEDDINGS, RoutingMode.EXPLICIT, "u")
    needs = needs_of(asked.sketch)
    assert (needs.input_tokens, needs.output_tokens) == (tokens, 0)
    assert worst_case.tokens(asked) == tokens


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": "auto"}, "model"),
        ({"model": "acron-guided"}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": 7}, "input"),
        ({"input": {}}, "input"),
        ({"input": ["x", ""]}, "input[1]"),
        ({"input": ["x", []]}, "input[1]"),
        ({"input": ["x", None]}, "input[1]"),
        ({"input": [1, "x"]}, "input[0]"),
        ({"input": [True]}, "input[0]"),
        ({"input": [-1]}, "input[0]"),
        ({"input": [1.5]}, "input[0]"),
        ({"input": ["x"] * 2049}, "input"),
        ({"stream": True}, "stream"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "8"}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"acron": {"routing_mode": "autopilot"}}, "acron.routing_mode"),
    ],
)
def test_what_is_wrong_is_refused_by_name(fields, param):
    with pytest.raises(InvalidRequestError) as refused:
        ask(**fields)

    assert refused.value.param == param


def test_as_many_tokens_as_one_likes_are_one_input():
    assert ask(input=list(range(5000))).body["input"] == list(range(5000))


def test_a_request_goes_out_as_it_came_in():
    call = DIALECT.call(ask(dimensions=8, stream=False, new={"x": 1}), openai_model())

    assert (call.url, call.stream, call.dropped) == ("https://provider.test/v1/embeddings", False, ())
    assert orjson.loads(call.body) == {
        "model": "gpt-2026",
        "input": "Name three rivers.",
        "dimensions": 8,
        "new": {"x": 1},
    }


ANSWER = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}


def test_an_answer_is_relayed_byte_for_byte_and_may_be_kept():
    body = orjson.dumps(ANSWER)

    read = DIALECT.completion(body, ask())

    assert read.body is body
    assert read.usage == Usage(tokens=TokenCounts(input=4))
    assert read.model_answered == "text-embedding-3-small"
    assert not keeping.flaw(read, keep_tool_calls=False)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":[]}', b'{"data":{}}', b"<html>", b'"x"'])
def test_garbage_is_no_answer(body):
    with pytest.raises(UpstreamError):
        DIALECT.completion(body, ask())


async def mocked(model: str = "text-embedding-3-small", **fields: Any) -> Any:
    body = orjson.dumps({"input": "x", "model": model, **fields})
    reply = await MockTransport(latency_scale=0).send(Call("https://mock.test/v1/embeddings", {}, body, stream=False))
    return valid(orjson.loads(await reply.read()))


def valid(answer: dict[str, Any]) -> dict[str, Any]:
    """As the SDK reads it, which unpacks vectors first."""
    vectors = [entry["embedding"] for entry in answer["data"]]
    lists = [unpacked(vector) if isinstance(vector, str) else vector for vector in vectors]
    entries = [{**entry, "embedding": vector} for entry, vector in zip(answer["data"], lists, strict=True)]
    CreateEmbeddingResponse.model_validate({**answer, "data": entries})
    return answer


def unpacked(text: str) -> list[float]:
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


@pytest.mark.parametrize(
    ("model", "fields", "size"),
    [
        ("text-embedding-3-large", {}, 1536),
        ("text-embedding-3-small", {}, 256),
        ("text-embedding-3-small", {"dimensions": 8}, 8),
        ("text-embedding-3-small", {"dimensions": 1}, 1),
    ],
)
async def test_mocked_vectors_have_the_asked_length_and_are_of_length_one(model, fields, size):
    plain = await mocked(model, input=["a", "b", [1, 2]], **fields)
    packed = await mocked(model, input=["a", "b", [1, 2]], encoding_format="base64", **fields)

    for entry, twin in zip(plain["data"], packed["data"], strict=True):
        vector = entry["embedding"]
        assert len(vector) == size
        assert math.isclose(math.hypot(*vector), 1, rel_tol=1e-6)
        assert unpacked(twin["embedding"]) == pytest.approx(vector, abs=1e-6)
    assert plain["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


async def test_the_same_text_has_the_same_vector_and_another_one_another():
    twice = (await mocked(input=["a", "b", "a"]))["data"]

    assert twice[0]["embedding"] == twice[2]["embedding"] != twice[1]["embedding"]
    assert (await mocked(input=[1, 2]))["data"][0]["index"] == 0


async def test_embeddings_are_answered_counted_and_kept():
    kit = Kit()
    door = make_door(kit)

    first = await call(door, "/v1/embeddings", {**GOOD, "encoding_format": "base64"}, headers=key())
    second = await call(door, "/v1/embeddings", {**GOOD, "encoding_format": "base64"}, headers=key())
    others = await call(door, "/v1/embeddings", {**GOOD, "encoding_format": "float"}, headers=key())
    theirs = await call(door, "/v1/embeddings", {**GOOD, "encoding_format": "base64"}, headers=key("mallory"))

    assert isinstance(valid(first.json())["data"][0]["embedding"], str)
    assert [answer.headers["x-acron-cache"] for answer in (first, second, others, theirs)] == [
        "MISS", "HIT-T1", "MISS", "MISS",
    ]  # fmt: skip
    assert first.body == second.body
    row = next(iter(kit.ledger.rows.values()))
    assert (row.endpoint, row.model, row.cost_status) == ("embeddings", "an-embedding", CostStatus.PRICED)
    assert row.cost_usd == Decimal("0.00000002") * row.tokens.input > 0
    assert row.tokens.output == 0


@pytest.mark.parametrize(
    ("path", "model", "hint"),
    [
        ("/v1/embeddings", "mock-small", "no embedding model"),
        ("/v1/chat/completions", "an-embedding", "POST /v1/embeddings"),
        ("/v1/responses", "an-embedding", "POST /v1/embeddings"),
        ("/v1/chat/completions", "a-responder", "POST /v1/responses"),
    ],
)
async def test_a_model_of_another_kind_is_not_found(path, model, hint):
    asked = {"model": model, "input": "x", "messages": [{"role": "user", "content": "x"}]}

    answer = await call(make_door(Kit()), path, asked, headers=key())

    assert (answer.status, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert hint in answer.json()["error"]["message"]


async def test_malformed_bodies_are_never_our_failure():
    door = make_door(Kit())
    for body in hostile_bodies():
        ours = body.replace(b'"messages"', b'"input"').replace(b"mock-small", b"an-embedding")
        response = await call(door, "/v1/embeddings", ours, headers=key())

        assert response.status < 500, (body[:200], response.body)


def test_every_embedding_model_has_a_price_that_can_be_held():
    models = [model for model in catalogs.load(CATALOG, {}, mock=False).models if model.kind == "embedding"]

    for model in models:
        held = worst_case.cost(ask(), model, sent_bytes=100)
        bill = pricing.cost(Usage(tokens=TokenCounts(input=100)), model.prices).amount
        assert held is not None, model.name
        assert bill is not None, model.name
        assert 0 < bill <= held, model.name
    assert len(models) > 5


def test_vectors_need_no_price_for_output():
    prices = PriceSheet(rates={"standard": Rates(input=Decimal("0.01"))})

    assert worst_case.cost(ask(), openai_model(prices=prices), sent_bytes=7) == Decimal("0.07")
    assert worst_case.cost(ask(), openai_model(), sent_bytes=7) is None
    assert worst_case.limited(ask(), openai_model()) == ask()
