"""What came of a workflow: of each step, and of all together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from acron_site.lib.errors import AcronError
from analytics.events import CostStatus, InferenceFacts, TokenCounts
from caching.steps import UNKNOWN, Snapshot
from inference.domain import Answer, CacheStatus
from inference.workflows.reading import Flow

# the further down, the nearer to being kept; what all have is what the whole says
_FURTHEST_FIRST = (
    CacheStatus.MISS,
    CacheStatus.BYPASS,
    CacheStatus.COALESCED,
    CacheStatus.HIT_T2,
    CacheStatus.HIT_T1,
    CacheStatus.HIT_T3,
)
_COUNTS = tuple(field.name for field in fields(TokenCounts))


class StepState(StrEnum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # a step that it waits for gave nothing


@dataclass(frozen=True, slots=True)
class StepResult:
    """`answer` is there where the step is OK, `error` where it is not: the cause, for a skipped one too."""

    step_id: str
    state: StepState
    answer: Answer | None = None
    text: str = ""
    snapshot: Snapshot = UNKNOWN
    error: AcronError | None = None
    failed_step: str = ""  # whose error it is


@dataclass(frozen=True, slots=True)
class Outcome:
    """`results` in the order of the steps."""

    flow: Flow
    results: tuple[StepResult, ...]

    @property
    def failure(self) -> StepResult | None:
        """Why there is no output, if there is none."""
        return next((result for result in self._wanted if result.error is not None), None)

    @property
    def text(self) -> str:
        if not self.flow.joints:
            return self._wanted[0].text
        joined = zip(self.flow.joints, self._wanted, strict=True)
        return "\n\n".join(f"{joint}{result.text}" for joint, result in joined)

    @property
    def output(self) -> Answer:
        """The answer of the step that is the output, or of the last one where they are joined."""
        answer = self._wanted[-1].answer
        assert answer is not None  # noqa: S101 - asked for where nothing has failed
        return answer

    @property
    def answers(self) -> tuple[Answer, ...]:
        return tuple(result.answer for result in self.results if result.answer is not None)

    @property
    def _wanted(self) -> Sequence[StepResult]:
        """The results that the output is made of."""
        if self.flow.joints:
            return self.results
        return [result for result in self.results if result.step_id == self.flow.graph.answer_id]


def summary(outcome: Outcome) -> Answer:
    """All steps as one answer, whose cost is the sum of theirs. Its facts are no row of the ledger: the steps' are."""
    output, answers = outcome.output, outcome.answers
    rows = [answer.facts for answer in answers]
    others = [row for row in rows if row.event_id != output.facts.event_id]
    status = min((CacheStatus(row.cache_status) for row in rows), key=_FURTHEST_FIRST.index)
    latency_ms = (time.perf_counter() - outcome.flow.ask.started) * 1000
    facts = replace(
        output.facts,
        cache_status=status,
        cache_tier=_tier(status, rows),
        cache_similarity=_least_alike(rows) if status is CacheStatus.HIT_T2 else None,
        tokens=_together(rows),
        cost_status=_cost_status(rows),
        attempt=sum(row.attempt for row in rows if not row.cache_tier),
        step_id="",
        latency_ms=latency_ms,
        overhead_ms=min(sum(row.overhead_ms for row in rows), latency_ms),  # of steps side by side it passes at once
    )
    sides = [side for answer in answers for side in answer.sides]
    return Answer(
        facts=facts,
        sides=(*others, *sides),
        candidates=output.candidates,
        confidence=output.confidence,
        age_seconds=max((answer.age_seconds for answer in answers), default=0),
        dropped=tuple(dict.fromkeys(name for answer in answers for name in answer.dropped)),
        limits=_limits(answers),
    )


def _limits(answers: Sequence[Answer]) -> dict[str, str] | None:
    """As the step that was answered last has seen them."""
    told = [answer for answer in answers if answer.limits]
    last = max(told, key=lambda answer: answer.facts.event_id, default=None)
    return None if last is None or last.limits is None else dict(last.limits)


def _least_alike(rows: Sequence[InferenceFacts]) -> float | None:
    return min((row.cache_similarity for row in rows if row.cache_similarity is not None), default=None)


def _tier(status: CacheStatus, rows: Sequence[InferenceFacts]) -> int:
    if status in (CacheStatus.MISS, CacheStatus.BYPASS):
        return 0
    return next(row.cache_tier for row in rows if row.cache_status == status)


def _together(rows: Sequence[InferenceFacts]) -> TokenCounts:
    return TokenCounts(**{name: sum(getattr(row.tokens, name) for row in rows) for name in _COUNTS})


def _cost_status(rows: Sequence[InferenceFacts]) -> CostStatus:
    found = {CostStatus(row.cost_status) for row in rows}
    order = (CostStatus.UNPRICED, CostStatus.ESTIMATED, CostStatus.PRICED, CostStatus.FREE)
    return next(status for status in order if status in found)
