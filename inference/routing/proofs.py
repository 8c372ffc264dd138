"""Whether a cheaper model may answer a kind of task in place of a dearer one, as far as pairs of answers prove it.

A pair is one request that both models have answered, or one whose answer was judged: the cheaper one's was as good
(kept), or not (lost). The class is proven once it is refuted that epsilon or more of the pairs are lost. Its record is
looked at after every pair, which a test for a fixed number of pairs does not bear; a bet does. Whoever bets against
"at least epsilon are lost" multiplies their stake by (q / epsilon) for a lost pair and by (1 - q) / (1 - epsilon) for
a kept one, with q below epsilon: in the mean that wins nothing, whatever share of at least epsilon is lost, even where
it changes. So the stake ever reaches 20 with a chance of at most 1 in 20 (J. Ville 1939; G. Shafer: Testing by
betting, 2021; I. Waudby-Smith, A. Ramdas: Estimating means of bounded random variables by betting, 2023). Several q
are bet on side by side.

From then on the opposite is bet on, that more than epsilon are lost, by stakes that are filled up to 1 before each
pair: an e-detector, which raises a false alarm after 1,000 pairs in the mean, or later (J. Shin, A. Ramdas,
A. Rinaldo: E-detectors, 2022, theorem 2.4). An alarm revokes the proof, and what was before it counts no more.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from caching import calibration
from inference.routing.predictor import Predictor
from inference.routing.traits import Traits

RISK = 0.05  # of proving what is not so
PAIRS_TO_FALSE_ALARM = 1_000
# the least and the most that an organization may put up with
LEAST_EPSILON, MOST_EPSILON, EPSILON = 0.005, 0.2, 0.03

# stands where a class names its cheaper model: two are asked, and what both say is given
TWO_THAT_AGREE = "two that agree"
# in characters, of what a pair names
LONGEST_TASK_TYPE, LONGEST_MODEL, LONGEST_METHOD, LONGEST_REQUEST_ID = 64, 200, 32, 128

# shares of epsilon that are bet on, and the part of the stake: most of it on no loss at all, which is proven soonest
_GOOD = ((0.0, 0.30), (0.1, 0.20), (0.3, 0.30), (0.6, 0.20))
# multiples of epsilon
_BAD = (1.5, 2.0, 4.0, 8.0)
_HIGHEST_SHARE = 0.95
_LONGEST_SEARCH = 100_000
# what loses far more often than it may is not worth further pairs
_HOPELESS_LOSSES, _HOPELESS_TIMES = 5, 3


class ProofState(StrEnum):
    PRIOR = "prior"  # nothing is proven: the catalogue's figures decide
    PROVEN = "proven"
    REVOKED = "revoked"  # it was proven, and drifted away


@dataclass(frozen=True, slots=True)
class Standing:
    """A class of requests, as its pairs have it. `pairs` and `losses` are those that count: since its last revocation.

    `alarms`: the stakes on each multiple of epsilon, once proven.
    """

    epsilon: float = EPSILON
    state: ProofState = ProofState.PRIOR
    pairs: int = 0
    losses: int = 0
    alarms: tuple[float, ...] = ()

    @property
    def is_proven(self) -> bool:
        return self.state is ProofState.PROVEN

    @property
    def upper_bound(self) -> float:
        """Of the share that is lost, at 95 %, as for a fixed number of pairs: to be shown, not to decide by."""
        return calibration.upper_bound(self.losses, self.pairs)

    @property
    def needed(self) -> int:
        """How many more pairs it takes at least, if none is lost."""
        if self.is_proven:
            return 0
        return bisect_left(
            range(_LONGEST_SEARCH),
            1 / RISK,
            key=lambda more: stake(self.pairs + more, self.losses, self.epsilon),
        )

    @property
    def is_hopeless(self) -> bool:
        return self.losses >= _HOPELESS_LOSSES and self.losses > _HOPELESS_TIMES * self.epsilon * self.pairs


class PairSource(StrEnum):
    TRIAL = "trial"  # both models were asked
    FEEDBACK = "feedback"  # a person says how good the cheaper one's answer was


@dataclass(frozen=True, slots=True)
class Pair:
    """One request that the cheaper model has answered as well as the dearer one, or not (lost)."""

    id: UUID
    organization_id: UUID
    task_type: str
    model: str
    reference: str
    lost: bool
    method: str
    source: PairSource
    request_id: str
    occurred_at: datetime
    # of the request, where it is evidence of how good both models are for such requests
    traits: Traits | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.task_type, self.model, self.reference

    @property
    def is_sound(self) -> bool:
        """Whether a database takes it: what it does not take must not stand in the way of the others."""
        return (
            _fits(self.task_type, LONGEST_TASK_TYPE)
            and _fits(self.model, LONGEST_MODEL)
            and _fits(self.reference, LONGEST_MODEL)
            and _fits(self.method, LONGEST_METHOD)
            and _fits(self.request_id, LONGEST_REQUEST_ID)
            and (self.traits is None or all(map(math.isfinite, self.traits.signals)))
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """How `model` stands against `reference`, the dearer one."""

    model: str
    reference: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Proofs:
    """What is known of an organization's classes, by kind of task; and what its evidence foretells, where that is
    trusted."""

    by_task: Mapping[str, tuple[Proof, ...]] = field(default_factory=lambda: MappingProxyType({}))
    predictor: Predictor | None = None

    def of(self, task_type: str) -> tuple[Proof, ...]:
        return self.by_task.get(task_type, ())

    def between(self, task_type: str, model: str, reference: str) -> Standing:
        for proof in self.of(task_type):
            if (proof.model, proof.reference) == (model, reference):
                return proof.standing
        return Standing()


NOTHING_PROVEN = Proofs()


def judged(outcomes: Iterable[bool], epsilon: float) -> Standing:
    """Where a class stands after all its pairs in order of time; True: lost."""
    standing = Standing(epsilon)
    for lost in outcomes:
        standing = advanced(standing, lost=lost)
    return standing


def advanced(standing: Standing, *, lost: bool) -> Standing:
    """Where it stands after one more pair."""
    counted = replace(standing, pairs=standing.pairs + 1, losses=standing.losses + lost)
    return _watched(counted, lost=lost) if standing.is_proven else _tested(counted)


def stake(pairs: int, losses: int, epsilon: float) -> float:
    """What a stake of 1 has become that was put on fewer losses than `epsilon`."""
    kept = pairs - losses
    return sum(part * _grown(share * epsilon, epsilon, losses=losses, kept=kept) for share, part in _GOOD)


def _tested(counted: Standing) -> Standing:
    if stake(counted.pairs, counted.losses, counted.epsilon) < 1 / RISK:
        return counted
    return replace(counted, state=ProofState.PROVEN, alarms=(0.0,) * len(_BAD))


def _watched(counted: Standing, *, lost: bool) -> Standing:
    epsilon = counted.epsilon
    alarms = tuple(
        max(before, 1.0) * _grown(min(times * epsilon, _HIGHEST_SHARE), epsilon, losses=int(lost), kept=int(not lost))
        for times, before in zip(_BAD, counted.alarms, strict=True)
    )
    if sum(alarms) / len(alarms) >= PAIRS_TO_FALSE_ALARM:
        return Standing(epsilon, ProofState.REVOKED)
    return replace(counted, alarms=alarms)


def _grown(share: float, epsilon: float, *, losses: int, kept: int) -> float:
    """The stake on one share after so many pairs, by logarithms: long records would run over."""
    if losses and not share:
        return 0.0
    lost = losses * math.log(share / epsilon) if losses else 0.0
    return math.exp(min(lost + kept * math.log((1 - share) / (1 - epsilon)), 700.0))


def _fits(text: str, longest: int) -> bool:
    return len(text) <= longest and text.isprintable()
