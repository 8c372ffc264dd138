"""What tier 2 learns from fresh answers: whether a neighbour's would have done, and the answer itself."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from acron_site.lib.ids import uuid7
from caching import agreement
from caching.agreement import Agreement
from caching.embedders.remembering import behind
from caching.gate_rules import Check, CheckSource
from caching.protocols import Embedder, EmbedderBusyError, EmbeddingError, Keepsake, Label, Namespace, Purpose, Vector
from caching.semantic import Match, Question, SemanticCache

logger = logging.getLogger(__name__)

_MOST_TRIES, _PAUSE_SECONDS = 10, 1.0
_MOST_WAITING = 256
_MOST_WAITING_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Lesson:
    """A fresh answer. `text_of` reads the words of any body that is kept in the question's partition.

    `match`: the neighbour that was served in its place and is being checked; None: the nearest is looked for.
    `asked_at`: see Keepsake.
    """

    question: Question
    gate_of: Namespace  # where proofs are gathered, which a wall inside of it does not divide
    fingerprint: bytes
    note: bytes
    body: bytes
    text_of: Callable[[bytes], str]
    begin: Callable[[], None]  # called before anything is done about it, in the task that does it
    ttl_seconds: int
    asked_at: float
    request_id: str
    label: Label
    match: Match | None = None
    sample_rate: float = 1.0


class Reports(Protocol):
    def report(self, check: Check) -> None: ...


class Learner:
    """Works through lessons one by one, in the background, with a small share of the machine.

    What comes faster than that is left out: a sample is enough to learn from. Belongs to one event loop.
    """

    def __init__(
        self,
        cache: SemanticCache,
        embedder: Embedder,
        reports: Reports,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._cache, self._embedder, self._reports, self._clock = cache, embedder, reports, clock
        self._sleep = sleep
        self._waiting: deque[Lesson] = deque()
        self._waiting_bytes = 0
        self._at_work: asyncio.Task[None] | None = None
        self._learning: asyncio.Task[None] | None = None
        self.left_out = 0

    @property
    def has_room(self) -> bool:
        return len(self._waiting) < _MOST_WAITING

    def offer(self, lesson: Lesson) -> None:
        """Hands a lesson over without waiting."""
        size = len(lesson.body)
        if len(self._waiting) >= _MOST_WAITING or self._waiting_bytes + size > _MOST_WAITING_BYTES:
            self.left_out += 1
            return
        self._waiting.append(lesson)
        self._waiting_bytes += size
        if self._at_work is None or self._at_work.done():
            self._at_work = asyncio.get_running_loop().create_task(self._work())

    async def idle(self) -> None:
        """Returns when everything that was offered is learnt or left out."""
        while self._at_work is not None and not self._at_work.done():
            await asyncio.wait({self._at_work})

    async def close(self) -> None:
        self._waiting.clear()
        under_way = {task for task in (self._at_work, self._learning) if task is not None}
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)

    async def _work(self) -> None:
        while self._waiting:
            lesson = self._waiting.popleft()
            self._waiting_bytes -= len(lesson.body)
            with behind(lesson.question.partition.namespace):
                # in a task of its own: one lesson that fails must not end all learning
                self._learning = asyncio.get_running_loop().create_task(self._patiently(lesson))
            await asyncio.wait({self._learning})
            self._note(lesson, self._learning)

    def _note(self, lesson: Lesson, learning: "asyncio.Task[None]") -> None:
        error = None if learning.cancelled() else learning.exception()
        if isinstance(error, EmbeddingError):
            self.left_out += 1
        elif error is not None:
            logger.error("cache.lesson_failed", exc_info=error, extra={"request_id": lesson.request_id})

    async def _patiently(self, lesson: Lesson) -> None:
        """Waits for an embedder that is busy, or is yet to be loaded: those who come meanwhile wait behind."""
        for _ in range(_MOST_TRIES):
            try:
                await self._learn(lesson)
            except EmbedderBusyError:
                await self._sleep(_PAUSE_SECONDS)
            else:
                return
        self.left_out += 1

    async def _learn(self, lesson: Lesson) -> None:
        lesson.begin()
        # both before anything is reported: who waits for a busy embedder begins again
        asked = await self._placed(lesson, Purpose.QUERY)
        found = await self._placed(lesson, Purpose.DOCUMENT)
        match = lesson.match or await self._cache.nearest(lesson.question, asked)
        if match is not None and self._cache.is_proven_space:
            await self._check(lesson, match)
        self._keep(lesson, found)

    async def _placed(self, lesson: Lesson, purpose: Purpose) -> Vector:
        return (await self._embedder.embed([lesson.question.text], purpose))[0]

    async def _check(self, lesson: Lesson, match: Match) -> None:
        namespace = lesson.question.partition.namespace
        kept = await self._cache.store.fetch(namespace, match.neighbour.id)
        if kept is None:
            return
        found = await self._compare(lesson.text_of(lesson.body), lesson.text_of(kept.body))
        if found.agrees is None:
            return
        self._reports.report(
            Check(
                id=uuid7(),
                namespace=lesson.gate_of,
                task_type=lesson.question.task_type,
                space=self._cache.space.name,
                likeness_version=self._cache.likeness_version,
                score=match.score,
                similarity=match.similarity,
                agrees=found.agrees,
                method=found.method,
                source=CheckSource.SHADOW if lesson.match is None else CheckSource.SAMPLED,
                neighbour_id=match.neighbour.id,
                request_id=lesson.request_id,
                occurred_at=datetime.now(UTC),
                sample_rate=lesson.sample_rate,
            )
        )

    async def _compare(self, fresh: str, kept: str) -> Agreement:
        """Embeddings are asked for only where words alone do not settle it."""
        found = agreement.compare(fresh, kept)
        if found.agrees is not None:
            return found
        try:
            ours, theirs = await self._embedder.embed([fresh, kept], Purpose.DOCUMENT)
        except EmbedderBusyError:
            raise
        except EmbeddingError:  # such as for its length: it cannot be told, which is no evidence
            return found
        return agreement.compare(fresh, kept, similarity=float(ours @ theirs))

    def _keep(self, lesson: Lesson, vector: Vector) -> None:
        now = self._clock()
        self._cache.store.put(
            Keepsake(
                id=uuid7(),
                partition=lesson.question.partition,
                fingerprint=lesson.fingerprint,
                question=lesson.question.text,
                vector=vector,
                note=lesson.note,
                body=lesson.body,
                stored_at=now,
                expires_at=now + lesson.ttl_seconds,
                label=lesson.label,
                asked_at=lesson.asked_at,
            ),
            self._cache.space,
        )
