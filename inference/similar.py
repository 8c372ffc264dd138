"""T2 on the path of a request: what is nearly the same, whether its answer is given, what fresh answers teach."""

from functools import partial
from typing import Protocol

from caching.exact import Entry
from caching.gate_rules import Gate, GateState, TierPolicy, tier_policy_of
from caching.learning import Learner, Lesson
from caching.protocols import Label, Namespace, Partition
from caching.semantic import Question, SemanticCache, Served
from inference import fingerprint, last_turn
from inference.embedding_costs import on_behalf_of
from inference.facts import Visit
from inference.routing import traits

DEFAULT_TASK = "general"
_TIER = 2


class Similar(Protocol):
    """The semantic tier, as the pipeline sees it. None of it raises."""

    async def look_up(self, visit: Visit) -> Served | None:
        """A neighbour whose answer is to be given."""
        ...

    def learn(self, visit: Visit, entry: Entry, label: Label, served: Served | None = None) -> None:
        """From a fresh answer. `served`: the neighbour that was given in its place and is being checked."""
        ...


class NothingSimilar:
    """For where there is no such tier."""

    async def look_up(self, visit: Visit) -> Served | None:  # noqa: ARG002 - as the protocol has it
        return None

    def learn(self, visit: Visit, entry: Entry, label: Label, served: Served | None = None) -> None:
        """Nothing."""


class SimilarAnswers:
    """`check_share`: see `gate_rules.TierPolicy`."""

    def __init__(self, cache: SemanticCache, learner: Learner, *, secret: bytes, check_share: float) -> None:
        self._cache, self._learner, self._secret, self._check_share = cache, learner, secret, check_share

    async def look_up(self, visit: Visit) -> Served | None:
        controls = visit.ask.controls
        if not visit.reads or _TIER not in controls.tiers:
            return None
        gate = self._gate(visit)
        if gate.state is not GateState.SERVING:
            return None
        question = self._question(visit)
        if question is None:
            return None
        on_behalf_of.set(visit)
        served = await self._cache.look_up(
            question,
            gate,
            threshold=controls.threshold,
            max_age_seconds=controls.max_age_seconds,
            placed=partial(traits.note_vector, visit.ask),
        )
        if served is not None:
            self._cache.note_serving(served, self._gate_of(visit), _task(visit), request_id=visit.ask.request_id)
        return served

    def learn(self, visit: Visit, entry: Entry, label: Label, served: Served | None = None) -> None:
        if _TIER not in visit.ask.controls.tiers or not self._learner.has_room:
            return
        if self._gate(visit).state is GateState.OFF:
            return
        question = self._question(visit)
        if question is None:
            return
        self._learner.offer(
            Lesson(
                question=question,
                gate_of=self._gate_of(visit),
                fingerprint=visit.fingerprint,
                note=entry.note,
                body=entry.body,
                begin=partial(_stand_for, visit),
                text_of=partial(last_turn.answered_text, visit.ask.format),
                ttl_seconds=visit.ttl_seconds,
                asked_at=visit.ask.started,
                request_id=visit.ask.request_id,
                label=label,
                match=None if served is None else served.match,
                sample_rate=1.0 if served is None else served.sample_rate,
            )
        )

    def _gate(self, visit: Visit) -> Gate:
        return self._cache.gate(self._gate_of(visit), _task(visit), self._policy(visit))

    def _policy(self, visit: Visit) -> TierPolicy:
        return tier_policy_of(visit.policy, self._check_share)

    @staticmethod
    def _gate_of(visit: Visit) -> Namespace:
        """Proofs are gathered for the namespace as it is named: one person's share of it would prove nothing."""
        return Namespace(visit.principal.organization_id, visit.ask.controls.namespace)

    def _question(self, visit: Visit) -> Question | None:
        parted = last_turn.split(visit.ask)
        if parted is None:
            return None
        words, rest = parted
        digest = fingerprint.fingerprint(
            visit.ask, target=visit.target, is_mock=visit.is_mock, secret=self._secret, body=rest
        )
        return Question(Partition(visit.namespace, digest), words, _task(visit))


def _stand_for(visit: Visit) -> None:
    on_behalf_of.set(visit)


def _task(visit: Visit) -> str:
    return visit.ask.task_type or DEFAULT_TASK
