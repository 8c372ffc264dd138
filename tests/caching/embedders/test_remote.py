"""Embedders behind a network, against a stand-in on loopback: what is asked, billed, and made of bad answers."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from caching.embedders import cohere, openai, texts
from caching.embedders.remote import Billed, Bounds, RemoteEmbedder, Reply, Service
from caching.protocols import EmbeddingError, Purpose, Space
from tests.caching.embedders.kit import PATIENT_SECONDS
from tests.inference import stub
from tests.inference.stub import Fault, Script, Stub


@dataclass(frozen=True)
class Party:
    """A provider under test, and how its answers look."""

    name: str
    service: Callable[..., Service]
    texts_field: str
    answer: Callable[..., dict[str, Any]]


def cohere_answer(vectors: list[Any], *, tokens: int = 7) -> dict[str, Any]:
    billed = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}}
    return {"id": "1", "response_type": "embeddings_by_type", "embeddings": {"float": vectors}, "meta": billed}


def openai_answer(vectors: list[Any], *, tokens: int = 7) -> dict[str, Any]:
    rows = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows[::-1], "model": "m", "usage": usage}


PARTIES = (
    Party("cohere", cohere.service, "texts", cohere_answer),
    Party("openai", openai.service, "input", openai_answer),
)


@pytest.fixture(params=PARTIES, ids=lambda party: party.name)
def party(request: pytest.FixtureRequest) -> Party:
    each: Party = request.param
    return each


@pytest.fixture
def bills() -> list[Billed]:
    return []


@pytest.fixture
async def embedder_at(party, bills):
    """Makes embedders of two dimensions, which are closed when the test ends."""
    made = []

    def make(server: Stub, *, timeout_seconds: float = PATIENT_SECONDS, max_waiting: int = 1000) -> RemoteEmbedder:
        service = party.service("some-model", 2, api_key="k3y", server_url=server.url, timeout_seconds=timeout_seconds)
        made.append(
            RemoteEmbedder(service, max_waiting=max_waiting, timeout_seconds=timeout_seconds, on_usage=bills.append)
        )
        return made[-1]

    yield make
    for embedder in made:
        await embedder.close()


async def test_texts_become_vectors_of_length_one_and_a_bill(party, bills, embedder_at):
    with stub.serve_beside((stub.answer(party.answer([[3, 4], [0, 2]])),)) as server:
        embedder = embedder_at(server)

        vectors = await embedder.embed(["a", "b"], Purpose.QUERY)

        assert [vector.tolist() for vector in vectors] == [pytest.approx([0.6, 0.8]), [0, 1]]
        assert vectors[0].dtype == np.float32
        assert bills == [Billed(party.name, "some-model", 7)]
        assert server.received[0].headers["authorization"] == "Bearer k3y"
        assert server.received[0].json[party.texts_field] == ["a", "b"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([[1, 0]], "2 texts came back as 1"),
        ([[1, 0], [1, 0], [1, 0]], "2 texts came back as 3"),
        ([[1, 0], [1, 0, 0]], "shape"),
        ([[1, 0], [0, 0]], "no direction"),
        ([[1, 0], [1e999, 0]], "no direction|Error"),
        ([[1, 0], ["x", 0]], "numbers|Error"),
        ([[1, 0], None], "shape|numbers|Error"),
    ],
)
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
async def test_an_answer_that_does_not_fit_is_an_error(party, embedder_at, wrong, says):
    with stub.serve_beside((stub.answer(party.answer(wrong)),)) as server:
        embedder = embedder_at(server)

        with pytest.raises(EmbeddingError, match=says):
            await embedder.embed(["a", "b"], Purpose.QUERY)


@pytest.mark.parametrize(
    "script",
    [
        (stub.answer({"message": "slow down"}, status=429),),
        (stub.answer({"message": "oops"}, status=500),),
        (stub.answer({"message": "bad key"}, status=401),),
        (stub.answer(b"<html>", status=502),),
        (stub.answer(b"<html>"),),
        (stub.answer(b"{}"),),
        (stub.answer(b"[]"),),
        (stub.answer(b'{"embeddings": {"float": [[NaN, 1]]}, "data": [{"index": 0, "embedding": [NaN, 1]}]}'),),
        (Fault.CLOSE,),
        (Fault.RESET,),
    ],
    ids=["429", "500", "401", "502 HTML", "HTML", "{}", "[]", "NaN", "close", "reset"],
)
async def test_a_provider_in_trouble_is_an_error_and_asked_once(embedder_at, script: Script):
    with stub.serve_beside(script) as server:
        embedder = embedder_at(server)

        with pytest.raises(EmbeddingError):
            await embedder.embed(["a"], Purpose.QUERY)

        assert len(server.received) == 1


async def test_a_provider_that_hangs_is_given_up_and_others_find_room_again(party, embedder_at):
    with stub.serve_beside((stub.answer(party.answer([[1, 0]])),), (Fault.HANG,)) as server:
        await embedder_at(server).embed(["its SDK is imported"], Purpose.QUERY)
        embedder = embedder_at(server, timeout_seconds=1.0, max_waiting=1)
        hanging = asyncio.create_task(embedder.embed(["a"], Purpose.QUERY))
        await asyncio.sleep(0)

        with pytest.raises(EmbeddingError, match="busy: 1 texts"):
            await embedder.embed(["b"], Purpose.QUERY)
        with pytest.raises(EmbeddingError, match=r"no vector in 1 s|Timeout"):
            await hanging
        with pytest.raises(EmbeddingError, match=r"no vector in 1 s|Timeout"):
            await embedder.embed(["c"], Purpose.QUERY)


@pytest.mark.parametrize("text", ["", "\ud800", "x" * 1_000_000], ids=["empty", "surrogate", "1 MB"])
async def test_what_cannot_be_embedded_is_not_sent(party, embedder_at, text):
    with stub.serve_beside((stub.answer(party.answer([[1, 0]])),)) as server:
        with pytest.raises(EmbeddingError):
            await embedder_at(server).embed([text], Purpose.QUERY)

        assert server.received == []


async def test_cohere_is_told_what_a_text_is_for_and_never_to_cut_it():
    with stub.serve_beside((stub.answer(cohere_answer([[1] * 1024])),)) as server:
        service = cohere.service(
            "embed-multilingual-v3.0", 1024, api_key="k", server_url=server.url, timeout_seconds=PATIENT_SECONDS
        )
        embedder = RemoteEmbedder(service, max_waiting=9, timeout_seconds=PATIENT_SECONDS, on_usage=lambda _: None)

        for purpose in Purpose:
            await embedder.embed(["a"], purpose)

        asked = [received.json for received in server.received]
        assert [each["input_type"] for each in asked] == ["search_query", "search_document"]
        assert {each["truncate"] for each in asked} == {"NONE"}
        assert "output_dimension" not in asked[0]
        assert server.received[0].path == "/v2/embed"
        await embedder.close()


async def test_another_dimension_than_the_models_own_is_asked_for(party, embedder_at):
    with stub.serve_beside((stub.answer(party.answer([[1, 0]])),)) as server:
        embedder = embedder_at(server)

        await embedder.embed(["a"], Purpose.QUERY)

        asked = server.received[0].json
        assert asked.get("output_dimension", asked.get("dimensions")) == 2


def test_no_number_of_a_provider_is_too_large_or_too_small():
    for number in (1e300, 1e-300):
        assert texts.unit([0, number], 2).tolist() == [0, 1]


class Echo:
    """Answers each text with its length as an angle."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def embed(self, texts, purpose: Purpose) -> Reply:
        self.batches.append(list(texts))
        return Reply([[1, len(text)] for text in texts], input_tokens=len(texts))

    async def close(self) -> None:
        pass


async def test_many_texts_go_in_batches_and_come_back_in_order(bills):
    echo = Echo()
    service = Service("p", "m", Space("p:2:1", 2), Bounds(texts=3, characters=10), lambda: echo)
    embedder = RemoteEmbedder(service, max_waiting=99, timeout_seconds=PATIENT_SECONDS, on_usage=bills.append)

    vectors = await embedder.embed(["a", "bb", "ccc", "dddd", "eeeeee", "f"], Purpose.QUERY)

    assert echo.batches == [["a", "bb", "ccc"], ["dddd", "eeeeee"], ["f"]]
    assert [round(float(vector[1] / vector[0])) for vector in vectors] == [1, 2, 3, 4, 6, 1]
    assert [bill.input_tokens for bill in bills] == [3, 2, 1]


async def test_an_sdk_that_takes_long_to_import_is_there_for_the_next_caller():
    begun, may_end = threading.Event(), threading.Event()

    def connect() -> Echo:
        assert not begun.is_set(), "connected twice"
        begun.set()
        may_end.wait(PATIENT_SECONDS)
        return Echo()

    service = Service("p", "m", Space("p:2:1", 2), Bounds(texts=3, characters=10), connect)
    embedder = RemoteEmbedder(service, max_waiting=9, timeout_seconds=0.05, on_usage=lambda _: None)
    with pytest.raises(EmbeddingError, match="no vector in"):
        await embedder.embed(["a"], Purpose.QUERY)

    may_end.set()
    await embedder.close()  # waits for it
    assert len(await embedder.embed(["a"], Purpose.QUERY)) == 1


@pytest.mark.parametrize("party", PARTIES, ids=lambda party: party.name)
def test_the_bounds_are_those_of_the_provider(party):
    bounds = party.service("m", 2, api_key="k", server_url="", timeout_seconds=1).bounds

    assert bounds.texts == {"cohere": 96, "openai": 2048}[party.name]
    assert bounds.characters * 4 <= {"cohere": 128_000 * 4, "openai": 300_000}[party.name]
