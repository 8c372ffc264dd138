"""A worker asks the process that embeds for all: what comes back, and what happens when it does not."""

import asyncio
import threading
import time
from contextlib import suppress

import pytest

from acron_site.lib.config import Embeddings
from caching.embedders import choice, frames, hashing, minilm
from caching.embedders.choice import SOCKET_NAME
from caching.embedders.frames import Kind, Question
from caching.protocols import EmbedderBusyError, EmbeddingError, Purpose
from tests.caching.embedders import kit
from tests.caching.embedders.served_kit import (
    READY,
    client,
    first,
    peers,
    serving,
    serving_in_a_thread,
    until_there,
    vector,
)

# far below `embeddings.timeout_ms` of a machine that does much else
AT_ONCE_SECONDS = 5.0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "embedder.sock"


async def test_answers_may_come_in_another_order(path):
    async with peers(path) as connected:
        embedder = client(path)
        asked = asyncio.create_task(embedder.embed(["one", "two", "three"], Purpose.QUERY))
        peer = await connected.get()
        heard = [await peer.heard.get() for _ in range(3)]

        for frame, number in reversed(list(zip(heard, (1, 2, 3), strict=True))):
            peer.transport.write(frames.write_vector(frame.number, vector(number), 0.5))

        assert [found[0] for found in await asked] == [1, 2, 3]
        await embedder.close()


async def test_what_it_cost_comes_with_it_and_background_work_says_that_it_is(path):
    async with peers(path) as connected:
        embedder = client(path)
        placing = asyncio.create_task(embedder.place(["one", "two"], Purpose.DOCUMENT))
        peer = await connected.get()
        for _ in range(2):
            frame = await peer.heard.get()
            assert not frames.read_question(frame.content).is_awaited
            peer.transport.write(frames.write_vector(frame.number, vector(1), 0.5))

        assert (await placing).cpu_seconds == 1.0
        await embedder.close()


async def test_while_nobody_is_there_it_is_busy_at_once(path):
    embedder = client(path)
    began = time.monotonic()

    for _ in range(20):
        with pytest.raises(EmbedderBusyError, match="away"):
            await embedder.embed(["one"], Purpose.QUERY)

    assert time.monotonic() - began < AT_ONCE_SECONDS
    await embedder.close()


async def test_a_socket_where_nobody_greets_yet_keeps_nobody_waiting(path):
    async with peers(path, greeting=b"") as connected:
        embedder = client(path)
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(EmbedderBusyError, match="away"):
                await embedder.embed(["one"], Purpose.QUERY)
        assert time.monotonic() - began < AT_ONCE_SECONDS

        (await connected.get()).transport.write(READY)
        async with asyncio.timeout(kit.PATIENT_SECONDS):
            while connected.empty():
                asking = asyncio.create_task(embedder.embed(["one"], Purpose.QUERY))
                await asyncio.sleep(0.01)
                if not asking.done():
                    break
        asking.cancel()
        await embedder.close()


async def test_it_is_found_again_when_it_comes_back(path):
    embedder = client(path)
    async with serving(path, lambda _: vector(1)):
        await until_there(embedder)
    with pytest.raises(EmbedderBusyError):
        await embedder.embed(["one"], Purpose.QUERY)

    async with serving(path, lambda _: vector(2)):
        await until_there(embedder)
        assert await first(embedder, "one") == 2
    await embedder.close()


async def test_who_is_under_way_when_it_breaks_may_try_again(path):
    async with peers(path) as connected:
        embedder = client(path)
        asked = asyncio.create_task(embedder.embed(["one", "two"], Purpose.QUERY))
        peer = await connected.get()
        await peer.heard.get()

        peer.transport.abort()

        with pytest.raises(EmbedderBusyError, match="away"):
            await asked
        await embedder.close()


async def test_one_that_hangs_is_waited_for_twice_at_most(path):
    async with peers(path) as connected:
        embedder = client(path, timeout_seconds=0.1)
        refusals = [await refusal_of(embedder) for _ in range(4)]
        assert "no vector within" in refusals[0]
        assert all("does not answer" in refusal for refusal in refusals[2:])

        peer = await connected.get()
        asked = asyncio.create_task(asked_until_heard(embedder))
        while frames.read_question((frame := await peer.heard.get()).content).text != "well again":
            peer.transport.write(frames.write_words(Kind.BUSY, frame.number, "too late"))
        peer.transport.write(frames.write_vector(frame.number, vector(3), 0.0))

        async with asyncio.timeout(kit.PATIENT_SECONDS):
            assert await asked == 3
        await embedder.close()


async def refusal_of(embedder) -> str:
    with pytest.raises(EmbedderBusyError) as refused:
        await embedder.embed(["one"], Purpose.QUERY)
    return str(refused.value)


async def asked_until_heard(embedder) -> float:
    while True:
        with suppress(EmbedderBusyError):
            return await first(embedder, "well again")
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" * 64,
        READY + frames.write(Kind.PLACED, 99, b"to nobody"),
        frames.write_words(Kind.READY, 0, "another-space:384:2"),
    ],
)
async def test_a_stranger_at_the_socket_is_left(path, said):
    async with peers(path, greeting=said) as connected:
        embedder = client(path)
        with pytest.raises(EmbedderBusyError):
            await embedder.embed(["one"], Purpose.QUERY)

        async with asyncio.timeout(kit.PATIENT_SECONDS):
            await (await connected.get()).has_left.wait()
        await embedder.close()


async def test_a_vector_of_another_length_is_none(path):
    async with peers(path) as connected:
        embedder = client(path)
        asked = asyncio.create_task(embedder.embed(["one"], Purpose.QUERY))
        peer = await connected.get()
        frame = await peer.heard.get()

        peer.transport.write(frames.write(Kind.PLACED, frame.number, b"\0" * 12))

        with pytest.raises(EmbeddingError, match="not a vector"):
            await asked
        await embedder.close()


async def test_more_than_may_wait_is_refused_whole(path):
    async with peers(path) as connected:
        embedder = client(path, max_waiting=2)
        asked = asyncio.create_task(embedder.embed(["one", "two"], Purpose.QUERY))
        peer = await connected.get()
        await peer.heard.get()

        with pytest.raises(EmbedderBusyError, match="2 texts wait"):
            await embedder.embed(["three"], Purpose.QUERY)
        asked.cancel()
        await embedder.close()


@pytest.mark.parametrize("text", ["", "x" * 60_000, "lone \ud800"])
async def test_what_cannot_be_embedded_is_not_sent(path, text):
    embedder = client(path)

    with pytest.raises(EmbeddingError, match="the text"):
        await embedder.embed([text], Purpose.QUERY)
    await embedder.close()


async def test_closed_is_closed(path):
    embedder = client(path)
    async with serving(path, lambda _: vector(1)):
        await until_there(embedder)
        await embedder.close()

    with pytest.raises(EmbeddingError, match="closed"):
        await embedder.embed(["one"], Purpose.QUERY)


async def test_without_a_model_over_there_hashing_serves(path):
    embedders = choice.choose(
        Embeddings(timeout_ms=20_000), {SOCKET_NAME: str(path)}, on_usage=lambda _: None, find=_must_not_be_looked_for
    )
    async with serving(path, lambda _: vector(1), greeting=frames.write_words(Kind.MISSING, 0, "not installed")):
        with pytest.raises(EmbeddingError, match="not installed; from now on: hashing"):
            await embedders.asked.embed(["one"], Purpose.QUERY)

        await embedders.background.embed(["one"], Purpose.QUERY)

    assert embedders.asked.space == embedders.background.space == hashing.SPACE
    await embedders.close()


async def test_where_a_socket_is_announced_no_worker_loads_the_model(path):
    embedders = choice.choose(
        Embeddings(), {SOCKET_NAME: str(path)}, on_usage=lambda _: None, find=_must_not_be_looked_for
    )

    for embedder in (embedders.asked, embedders.background):
        with pytest.raises(EmbedderBusyError, match="away"):
            await embedder.embed(["one"], Purpose.QUERY)

    assert embedders.asked.space == minilm.SPACE
    await embedders.close()


async def test_what_is_kept_moves_by_way_of_the_socket_behind_all_questions(path):
    build = choice.for_moves(Embeddings(), {SOCKET_NAME: str(path)}, find=_must_not_be_looked_for)
    assert build is not None
    async with peers(path) as connected:
        embedder = build()
        moving = asyncio.create_task(embedder.embed(["one"], Purpose.DOCUMENT))
        frame = await (peer := await connected.get()).heard.get()
        peer.transport.write(frames.write_vector(frame.number, vector(1), 0.0))

        assert len(await moving) == 1
        assert not frames.read_question(frame.content).is_awaited
        await embedder.close()


def _must_not_be_looked_for():
    raise AssertionError("the model was looked for")


async def test_a_question_overtakes_lessons(path):
    placed, may_go_on = [], threading.Event()

    def place(text):
        placed.append(text)
        if text == "lesson 0":
            may_go_on.wait(kit.PATIENT_SECONDS)
        return vector(1)

    async with serving_in_a_thread(path, place):
        learner, asker = client(path), client(path)
        await until_there(learner)
        await until_there(asker)
        lessons = asyncio.create_task(learner.place([f"lesson {number}" for number in range(5)], Purpose.DOCUMENT))
        try:
            async with asyncio.timeout(kit.PATIENT_SECONDS):
                while "lesson 0" not in placed:  # noqa: ASYNC110 - of another thread
                    await asyncio.sleep(0.005)
            question = asyncio.create_task(asker.embed(["question"], Purpose.QUERY))
            await asyncio.sleep(0.05)  # until it lies in the socket
        finally:
            may_go_on.set()
        await asyncio.gather(question, lessons)
        await learner.close()
        await asker.close()

    assert placed[placed.index("lesson 0") + 1] == "question"


async def test_a_text_that_breaks_the_model_is_refused_and_the_next_is_placed(path):
    def place(text):
        if text == "breaks":
            raise RuntimeError("of some library, with the text in it")
        return vector(1)

    async with serving(path, place):
        embedder = client(path)
        await until_there(embedder)

        with pytest.raises(EmbeddingError, match=r"the model fails at this text \(RuntimeError\)$"):
            await embedder.embed(["breaks"], Purpose.QUERY)

        assert await first(embedder, "another") == 1
        await embedder.close()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 64,
        frames.write(Kind.PLACED, 1, b"an answer"),
        frames.write(Kind.PLACE, 1, b"abc"),
        frames.write(Kind.PLACE, 1, b"\x01\x00\x00\x00\x00\xff\xfe"),
    ],
)
async def test_who_speaks_otherwise_is_cut_off_and_the_others_do_not_notice(path, said):
    async with serving(path, lambda _: vector(1)):
        embedder = client(path)
        await until_there(embedder)
        reader, writer = await asyncio.open_unix_connection(str(path))

        writer.write(said)

        async with asyncio.timeout(kit.PATIENT_SECONDS):
            assert await until_cut_off(reader) == READY
        assert await first(embedder, "another") == 1
        writer.close()
        await embedder.close()


async def until_cut_off(reader) -> bytes:
    said = bytearray()
    with suppress(ConnectionResetError):
        while piece := await reader.read(1024):
            said += piece
    return bytes(said)


async def test_what_nobody_wants_any_more_when_its_turn_comes_is_not_placed(path):
    placed = []

    def place(text):
        placed.append(text)
        return vector(1)

    async with serving(path, place):
        reader, writer = await asyncio.open_unix_connection(str(path))
        await reader.readexactly(len(READY))

        writer.write(frames.write_question(7, Question("late", True, 0)))

        async with asyncio.timeout(kit.PATIENT_SECONDS):
            busy = frames.write_words(Kind.BUSY, 7, "too late")
            assert await reader.readexactly(len(busy)) == busy
        assert not placed
        writer.close()
