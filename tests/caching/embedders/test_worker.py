"""The thread that places texts: bounded, impatient, never in the loop's way."""

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from caching.embedders.worker import Worker
from caching.protocols import EmbeddingError, Vector
from tests.caching.embedders import kit


class Gate:
    """Places nothing until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.placed: list[str] = []

    def place(self, text: str) -> Vector:
        self.opened.wait(kit.PATIENT_SECONDS)
        self.placed.append(text)
        return np.ones(1, dtype=np.float32)


@pytest.fixture
def gate() -> Iterator[Gate]:
    closed = Gate()
    yield closed
    closed.opened.set()


async def test_vectors_come_in_the_order_of_their_texts():
    placed = await kit.worker().run(lambda text: np.array([float(text)], dtype=np.float32), ["3", "1", "2"])

    assert [float(vector[0]) for vector in placed.vectors] == [3, 1, 2]


async def test_a_full_queue_refuses_at_once(gate):
    worker = kit.worker(max_waiting=3)
    waiting = asyncio.create_task(worker.run(gate.place, ["a", "b"]))
    await asyncio.sleep(0)

    with pytest.raises(EmbeddingError, match="busy: 2 texts"):
        await worker.run(gate.place, ["c", "d"])

    gate.opened.set()
    await waiting
    assert gate.placed == ["a", "b"]


async def test_room_is_free_again_when_texts_are_done(gate):
    worker = kit.worker(max_waiting=2)
    gate.opened.set()

    for _ in range(3):
        await worker.run(gate.place, ["a", "b"])

    assert len(gate.placed) == 6


async def test_a_slow_text_is_given_up_and_those_behind_it_are_never_begun(gate):
    worker = kit.worker(timeout_seconds=0.02)

    with pytest.raises(EmbeddingError, match=r"no vector within 0\.02 s"):
        await worker.run(gate.place, ["slow", "behind"])

    gate.opened.set()
    worker.close()
    assert "behind" not in gate.placed


async def test_who_leaves_takes_their_texts_along(gate):
    worker = kit.worker()
    first = asyncio.create_task(worker.run(gate.place, ["first"]))
    leaving = asyncio.create_task(worker.run(gate.place, ["leaving"]))
    await asyncio.sleep(0)

    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    gate.opened.set()
    await first
    await worker.run(gate.place, ["last"])

    assert gate.placed == ["first", "last"]


async def test_closing_is_an_error_for_those_who_wait_and_no_cancellation(gate):
    worker = kit.worker()
    tasks = [asyncio.create_task(worker.run(gate.place, [text])) for text in ("running", "waiting")]
    await asyncio.sleep(0)

    worker.close()

    with pytest.raises(EmbeddingError, match="closed"):
        await tasks[1]
    with pytest.raises(EmbeddingError, match="closed"):
        await worker.run(gate.place, ["late"])
    gate.opened.set()
    await tasks[0]


async def test_the_time_is_that_of_the_thread():
    def work(_: str) -> Vector:
        return np.array([sum(range(200_000))], dtype=np.float32)

    once, thrice = Worker(max_waiting=9, timeout_seconds=60), Worker(max_waiting=9, timeout_seconds=60)

    assert (await thrice.run(work, ["a"] * 3)).cpu_seconds > (await once.run(work, ["a"])).cpu_seconds > 0
