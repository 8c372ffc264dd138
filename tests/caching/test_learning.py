"""What is learnt in the background: patiently where an embedder is busy, and nothing from what cannot be told."""

import asyncio
from uuid import UUID

import numpy as np
import pytest

from caching.backends.memory_vectors import MemoryVectors
from caching.gate_rules import Check, Gate, GateState
from caching.learning import Learner, Lesson
from caching.likeness.comparison import Likeness
from caching.protocols import EmbedderBusyError, EmbeddingError, Label, Namespace, Partition, Space
from caching.semantic import Question, SemanticCache

ADA = Namespace(UUID(int=0xADA))
PARTITION = Partition(ADA, b"p" * 16)


class Embedder:
    """Places everything at one point, unless the story has it fail."""

    def __init__(self, *errors: Exception) -> None:
        self.space = Space("fake", 2)
        self.errors = list(errors)

    async def embed(self, texts, purpose):
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        return [np.array([1, 0], dtype=np.float32) for _ in texts]

    async def close(self) -> None:
        return None


class Gates:
    def __init__(self) -> None:
        self.checks: list[Check] = []

    def gate(self, namespace, task_type, policy=None):
        return Gate(GateState.SHADOW, 2.0, 1.0, "")

    def note_serving(self, serving) -> None:
        return None

    def report(self, check) -> None:
        self.checks.append(check)


class Story:
    def __init__(self, *errors) -> None:
        self.gates, self.slept = Gates(), 0
        self.embedder = embedder = Embedder(*errors)
        self.store = MemoryVectors(1_000_000)
        cache = SemanticCache(
            self.store, embedder, likeness=Likeness(), gates=self.gates, random=lambda: 0.5, clock=lambda: 0.0
        )
        self.learner = Learner(cache, embedder, self.gates, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept += 1
        await asyncio.sleep(0)

    async def learn(self, *lessons):
        for each in lessons:
            self.learner.offer(each)
        await self.learner.idle()

    @property
    def kept(self) -> int:
        return len(self.store._entries)


def lesson(text="How do I reset my password?", answer="Press the button.", fingerprint=b"f" * 16):
    return Lesson(
        question=Question(PARTITION, text, "general"),
        gate_of=ADA,
        fingerprint=fingerprint,
        note=b"",
        body=answer.encode(),
        text_of=bytes.decode,
        begin=lambda: None,
        ttl_seconds=60,
        asked_at=0.0,
        request_id="req",
        label=Label(),
    )


NEAR = "How can I reset my password?"


async def test_a_busy_embedder_is_waited_for():
    story = Story(EmbedderBusyError("loading"), EmbedderBusyError("loading"))

    await story.learn(lesson())

    assert (story.kept, story.slept, story.learner.left_out) == (1, 2, 0)


async def test_one_that_stays_busy_is_given_up_and_the_next_is_tried():
    story = Story(*[EmbedderBusyError("busy")] * 10)

    await story.learn(lesson(), lesson(NEAR, fingerprint=b"g" * 16))

    assert (story.kept, story.learner.left_out) == (1, 1)


async def test_a_text_that_cannot_be_placed_is_left_out_at_once():
    story = Story(EmbeddingError("too long"))

    await story.learn(lesson())

    assert (story.kept, story.slept, story.learner.left_out) == (0, 0, 1)


@pytest.mark.parametrize(("answer", "evidence"), [("Press the button.", [True]), ("No.", [False])])
async def test_a_neighbours_answer_is_compared_with_the_fresh_one(answer, evidence):
    story = Story()
    await story.learn(lesson(answer="Yes."), lesson(NEAR, "Yes." if evidence == [True] else answer, b"g" * 16))

    assert [check.agrees for check in story.gates.checks] == evidence
    assert story.kept == 2


PROSE = "The button is on the left side of the page, below the picture of the owner. " * 3
OTHER = "You will find it when you scroll down a little and look at the menu of the account. " * 3
# two lessons place their questions, to look and to keep; then the answers are placed
_QUESTIONS = (None, None, None, None)


async def test_answers_that_cannot_be_compared_prove_nothing_and_are_kept():
    story = Story(*_QUESTIONS, EmbeddingError("too long"))
    await story.learn(lesson(answer=PROSE), lesson(NEAR, OTHER, b"g" * 16))

    assert story.embedder.errors == []
    assert story.gates.checks == []
    assert story.kept == 2


async def test_a_comparison_that_had_to_wait_counts_once():
    story = Story(*_QUESTIONS, EmbedderBusyError("busy"))
    await story.learn(lesson(answer=PROSE), lesson(NEAR, OTHER, b"g" * 16))

    assert story.slept == 1
    assert len(story.gates.checks) == 1
    assert story.kept == 2


async def test_a_lesson_that_breaks_ends_no_other(caplog):
    broken = lesson()
    object.__setattr__(broken, "begin", lambda: 1 / 0)
    story = Story()

    await story.learn(broken, lesson())

    assert story.kept == 1
    assert [record.message for record in caplog.records] == ["cache.lesson_failed"]


async def test_what_comes_faster_than_it_is_learnt_is_left_out():
    story = Story()

    await story.learn(*[lesson(fingerprint=b"%016d" % number) for number in range(400)])

    assert story.learner.left_out == 400 - 256
