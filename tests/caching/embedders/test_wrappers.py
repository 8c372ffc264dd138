"""What stands around an embedder: a memory, a share, a spare."""

from uuid import UUID

import pytest

from caching.embedders.minilm import ModelMissingError
from caching.embedders.remembering import Memory, Remembering, behind
from caching.embedders.spare import WithSpare
from caching.embedders.throttled import Throttled
from caching.protocols import EmbeddingError, Namespace, Purpose, Space
from tests.caching.embedders.kit import Fake


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_text_is_embedded_once():
    inner = Fake()
    embedder = Remembering(inner, Memory(10_000))

    await embedder.embed(["a"], Purpose.QUERY)
    vectors = await embedder.embed(["b", "a", "b"], Purpose.DOCUMENT)

    assert inner.asked == ["a", "b"]
    assert len(vectors) == 3


async def test_a_question_and_a_document_differ_where_the_model_tells_them_apart():
    inner = Fake()
    embedder = Remembering(inner, Memory(10_000), minds_purpose=True)

    for purpose in Purpose:
        await embedder.embed(["a"], purpose)

    assert inner.asked == ["a", "a"]


async def test_another_space_is_another_memory():
    memory = Memory(10_000)
    inner, other = Fake(), Fake()
    other.space = Space("other:2:1", 2)

    await Remembering(inner, memory).embed(["a"], Purpose.QUERY)
    await Remembering(other, memory).embed(["a"], Purpose.QUERY)

    assert other.asked == ["a"]


async def test_nobody_profits_from_what_is_asked_behind_another_wall():
    ours, theirs = Namespace(UUID(int=1)), Namespace(UUID(int=2))
    embedder = Remembering(inner := Fake(), Memory(10_000))

    for wall in (ours, theirs, Namespace(UUID(int=1), "drafts"), ours):
        with behind(wall):
            await embedder.embed(["a"], Purpose.QUERY)

    assert inner.asked == ["a", "a", "a"]


async def test_the_memory_is_bounded_and_forgets_what_was_not_used():
    memory = Memory(1000)
    embedder = Remembering(inner := Fake(), memory)
    await embedder.embed(["a", "b", "c"], Purpose.QUERY)

    await embedder.embed(["a", "d", "a"], Purpose.QUERY)
    await embedder.embed(["b"], Purpose.QUERY)

    assert inner.asked == ["a", "b", "c", "d", "b"]
    assert memory.bytes <= 1000


async def test_a_remembered_vector_cannot_be_changed():
    (vector,) = await Remembering(Fake(), Memory(10_000)).embed(["a"], Purpose.QUERY)

    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 7


async def test_background_work_gets_its_share_and_no_more():
    clock = Clock()
    throttled = Throttled(inner := Fake(cpu_seconds=0.5), share=0.1, clock=clock)
    for _ in range(2):  # a second may be spent at once
        await throttled.embed(["a"], Purpose.QUERY)

    with pytest.raises(EmbeddingError, match="share"):
        await throttled.embed(["a"], Purpose.QUERY)
    clock.now += 1
    await throttled.embed(["a"], Purpose.QUERY)

    assert len(inner.asked) == 3


async def test_over_an_hour_background_work_takes_its_share():
    clock = Clock()
    throttled = Throttled(inner := Fake(cpu_seconds=0.2), share=0.1, clock=clock)

    for _ in range(3600):
        clock.now += 1
        try:
            await throttled.embed(["a"], Purpose.QUERY)
        except EmbeddingError:
            continue

    assert 355 <= len(inner.asked) * 0.2 <= 365


async def test_what_failed_has_cost_what_is_usual():
    throttled = Throttled(Fake(error=EmbeddingError("busy")), share=0.001, clock=Clock())

    for problem in ("busy", "share"):
        with pytest.raises(EmbeddingError, match=problem):
            await throttled.embed(["a"], Purpose.QUERY)


async def test_a_missing_model_gives_way_with_the_call_that_finds_out(caplog):
    first, spare = Fake(error=ModelMissingError("gone")), Fake()
    spare.space = Space("spare:2:1", 2)
    embedder = WithSpare(first, spare)

    assert embedder.space == first.space
    with pytest.raises(EmbeddingError, match="gone; from now on: spare"):
        await embedder.embed(["a"], Purpose.QUERY)
    await embedder.embed(["a"], Purpose.QUERY)

    assert embedder.space == spare.space
    assert first.asked == spare.asked == ["a"]
    assert [record.message for record in caplog.records] == ["embedder.fallback"]
