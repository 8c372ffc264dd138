"""The provider that needs no network, no key and no money."""

import asyncio
from time import perf_counter

import orjson
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from acron_site.lib.errors import RateLimitedError, UpstreamError, UpstreamTimeoutError
from inference.providers.mock import MockTransport
from inference.providers.openai import OpenAIDialect
from inference.wire import framing
from tests.inference.asks import ask, openai_model

DIALECT = OpenAIDialect(api_key="mock")
TRANSPORT = MockTransport(latency_scale=0)


async def completion_of(*, model="mock-small", transport=TRANSPORT, **fields):
    reply = await transport.send(DIALECT.call(ask(**fields), openai_model(upstream_model=model)))
    if reply.status != 200:
        raise DIALECT.refusal(reply.status, reply.headers, await reply.read())
    return DIALECT.completion(await reply.read(), ask())


async def document_of(**fields):
    document = orjson.loads((await completion_of(**fields)).body)
    ChatCompletion.model_validate(document)
    return document


async def text_of(**fields):
    return (await document_of(**fields))["choices"][0]["message"]["content"]


def about(text):
    return [{"role": "user", "content": text}]


async def test_an_answer_is_plausible_english_about_the_prompt():
    text = await text_of(messages=about("Why do octopuses have three hearts?"))

    assert any(word in text.lower() for word in ("octopuses", "three", "hearts"))
    assert text[0].isupper()
    assert text.endswith(".")


async def test_the_same_question_gets_the_same_answer_and_another_one_another():
    first = await text_of()

    assert await text_of() == first
    assert await text_of(messages=about("Name four rivers.")) != first
    assert await text_of(model="mock-large") != first


async def test_tokens_are_counted():
    document = await document_of()

    usage = document["usage"]
    assert usage["completion_tokens"] == -(-len(document["choices"][0]["message"]["content"]) // 4)
    assert usage["prompt_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_an_answer_that_hits_the_limit_is_cut(name):
    document = await document_of(**{name: 5})

    assert document["choices"][0]["finish_reason"] == "length"
    assert document["usage"]["completion_tokens"] == 5


async def test_an_answer_ends_before_a_stop_sequence():
    whole = await text_of()
    stop = whole.split(" ")[4]

    assert await text_of(stop=[stop, "never"]) == whole[: whole.find(stop)]


async def test_several_answers_differ():
    document = await document_of(n=3)

    assert [choice["index"] for choice in document["choices"]] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in document["choices"]}) == 3


async def test_json_is_answered_with_json():
    assert isinstance(orjson.loads(await text_of(response_format={"type": "json_object"})), dict)


async def test_a_schema_is_answered_with_what_fits_it():
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 18, "maximum": 20},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "kind": {"enum": ["cat", "dog"]},
            "is_tame": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "parent": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
            "owner": {"$ref": "#/$defs/owner"},
            "nothing": {"type": "null"},
            "fixed": {"const": 7},
            "either": {"type": ["integer", "null"]},
        },
        "$defs": {"owner": {"type": "object", "properties": {"name": {"type": "string"}}}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "animal", "schema": schema}}

    animal = orjson.loads(await text_of(response_format=wanted))

    assert set(animal) == set(schema["properties"])
    assert 18 <= animal["age"] <= 20
    assert 0 <= animal["score"] <= 1
    assert animal["kind"] in ("cat", "dog")
    assert isinstance(animal["is_tame"], bool)
    assert len(animal["tags"]) == 2
    assert isinstance(animal["owner"]["name"], str)
    assert (animal["nothing"], animal["fixed"]) == (None, 7)
    assert set(animal["parent"]) == set(animal)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": []},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is on the photograph?"}]}]},
        {"messages": about("日本語で答えてください")},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "auto"},
        {"stop": ""},
        {"stop": [None, 7]},
        {"n": "many"},
        {"max_tokens": "few"},
        {"response_format": "json"},
        {"response_format": {"type": "json_schema"}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"$ref": "#"}}}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"properties": [1], "type": 7}}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"type": "integer", "minimum": "a", "maximum": None}},
            }
        },
    ],
)
async def test_an_unusual_request_is_answered_too(fields):
    assert (await completion_of(**fields)).finish_reasons == ("stop",)


async def streamed(*, model="mock-small", **fields):
    asked = ask(stream=True, **fields)
    reply = await TRANSPORT.send(DIALECT.call(asked, openai_model(upstream_model=model)))
    reader = DIALECT.reader(asked, openai_model())
    relayed = b"".join([reader.feed(chunk) async for chunk in reply.chunks()])
    return reader, [orjson.loads(framing.payload(event)) for event in framing.split(relayed)]


async def test_a_stream_tells_the_same_answer_in_pieces():
    reader, chunks = await streamed(include_usage=True)

    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    told = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks[:-1]]
    assert "".join(told) == await text_of()
    assert len(told) > 4
    assert chunks[-1]["usage"]["completion_tokens"] == reader.completion().usage.tokens.output


async def test_each_model_has_a_pace_of_its_own():
    began = perf_counter()
    await completion_of(transport=MockTransport(latency_scale=0.5))
    slowly = perf_counter() - began

    began = perf_counter()
    await completion_of()
    at_once = perf_counter() - began

    assert at_once < slowly < 0.5


async def test_mock_slow_is_slow():
    sending = asyncio.create_task(completion_of(model="mock-slow", transport=MockTransport(latency_scale=0.1)))

    done, _ = await asyncio.wait([sending], timeout=0.2)

    assert not done
    sending.cancel()


async def test_mock_error_fails():
    with pytest.raises(UpstreamError, match="status 500"):
        await completion_of(model="mock-error")


async def test_mock_429_is_busy_and_says_for_how_long():
    with pytest.raises(RateLimitedError) as refused:
        await completion_of(model="mock-429")

    assert refused.value.headers["Retry-After"] == "2"


async def test_mock_hang_never_answers():
    with pytest.raises(UpstreamTimeoutError):
        await completion_of(model="mock-hang", transport=MockTransport(first_byte_timeout_seconds=0.01))


async def test_mock_cut_stream_breaks_off():
    with pytest.raises(UpstreamError):
        await completion_of(model="mock-cut-stream")


async def test_mock_cut_stream_breaks_a_stream_off_after_some_words():
    asked = ask(stream=True)
    reply = await TRANSPORT.send(DIALECT.call(asked, openai_model(upstream_model="mock-cut-stream")))
    reader = DIALECT.reader(asked, openai_model())

    with pytest.raises(UpstreamError):  # noqa: PT012 (it fails in the middle)
        async for chunk in reply.chunks():
            reader.feed(chunk)

    assert not reader.is_complete
    assert reader.usage_so_far().tokens.output > 0


async def test_a_closed_reply_says_no_more():
    reply = await TRANSPORT.send(DIALECT.call(ask(stream=True), openai_model()))
    pieces = reply.chunks()
    await anext(pieces)

    reply.close()

    assert [piece async for piece in pieces] == []
    await TRANSPORT.close()
