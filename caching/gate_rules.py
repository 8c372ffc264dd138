"""When kept answers may be given to those who ask nearly the same: what a gate says, and what moves it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from acron_site.lib.values import quick
from caching import calibration
from caching.calibration import Calibration, Finding
from caching.policies import Policy, Semantic
from caching.protocols import Namespace

COOL_DOWN = timedelta(hours=1)

# in characters, of what a check names
LONGEST_NAMESPACE = 128
LONGEST_TASK_TYPE = 64
LONGEST_SPACE = 200
LONGEST_VERSION = 64
LONGEST_METHOD = 32
LONGEST_REQUEST_ID = 128

# a threshold is lowered only if that is proven with something to spare, and by no less than this: it does not flap
_SPARED = 0.8
_SMALLEST_STEP = 0.005
_LEAST_SHARE = 0.2  # of the first sample, where there is much evidence


class GateState(StrEnum):
    SHADOW = "shadow"  # nothing is served; what would have been is compared
    SERVING = "serving"
    OFF = "off"  # not looked at


class CheckSource(StrEnum):
    SHADOW = "shadow"
    SAMPLED = "sampled"  # a hit that was asked upstream too
    FEEDBACK = "feedback"  # a person says so


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """`tolerance`: the share of hits that may be wrong. `check_share`: of hits that are checked, to begin with."""

    mode: Semantic = Semantic.AUTO
    tolerance: float = 0.01
    manual_threshold: float | None = None
    check_share: float = 0.05


def tier_policy_of(policy: Policy, check_share: float) -> TierPolicy:
    """What a namespace's policy says of this tier."""
    return TierPolicy(policy.semantic, policy.semantic_tolerance, policy.semantic_threshold, check_share)


class TierPolicies(Protocol):
    def of(self, namespace: Namespace) -> TierPolicy:
        """May block: for jobs and background threads."""
        ...


@quick
@dataclass(frozen=True, slots=True)
class GateKey:
    """One gate each: scores of different spaces, or of different versions of the likeness, prove nothing together."""

    namespace: Namespace
    task_type: str
    space: str
    likeness_version: str

    @property
    def is_sound(self) -> bool:
        """Whether a database takes it: what it does not take must not stand in the way of the others."""
        return (
            _fits(self.namespace.name, LONGEST_NAMESPACE)
            and _fits(self.task_type, LONGEST_TASK_TYPE)
            and _fits(self.space, LONGEST_SPACE)
            and _fits(self.likeness_version, LONGEST_VERSION)
        )


@quick
@dataclass(frozen=True, slots=True)
class Gate:
    """A neighbour that scores `threshold` or more is served, while SERVING; `sample_rate` of those are checked."""

    state: GateState
    threshold: float
    sample_rate: float
    reason: str  # shown to people


@quick
@dataclass(frozen=True, slots=True)
class Check:
    """A neighbour's kept answer, compared with a fresh one. `sample_rate`: of the look-ups like it that are checked."""

    id: UUID
    namespace: Namespace
    task_type: str
    space: str
    likeness_version: str
    score: float
    similarity: float
    agrees: bool
    method: str
    source: CheckSource
    neighbour_id: UUID
    request_id: str
    occurred_at: datetime
    sample_rate: float = 1.0

    @property
    def key(self) -> GateKey:
        return GateKey(self.namespace, self.task_type, self.space, self.likeness_version)

    @property
    def is_complaint(self) -> bool:
        return self.source is CheckSource.FEEDBACK and not self.agrees

    @property
    def is_sound(self) -> bool:
        return (
            0 <= self.score <= 1
            and math.isfinite(self.similarity)
            and 0 < self.sample_rate <= 1
            and _fits(self.method, LONGEST_METHOD)
            and _fits(self.request_id, LONGEST_REQUEST_ID)
            and self.key.is_sound
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What checks say of a gate. `recent`: the last ones, of all scores. `served`: the last at or above its threshold.

    A complaint binds until it is outweighed: nothing that scores `bound_to` or less is served.
    """

    recent: Sequence[Finding] = ()
    served: Sequence[Finding] = ()
    bound_to: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A gate as it is on record."""

    state: GateState
    proof: Calibration
    tolerance: float
    sample_rate: float
    reason: str
    since: datetime
    fresh_after: datetime | None = None  # older checks no longer count
    off_until: datetime | None = None

    @property
    def threshold(self) -> float | None:
        return self.proof.threshold


def beginning(policy: TierPolicy, now: datetime, *, is_fresh: bool = False) -> Standing:
    """Nothing is known yet; or, where it `is_fresh`, nothing of before counts."""
    nothing = calibration.calibrate((), policy.tolerance)
    return Standing(
        GateState.SHADOW, nothing, policy.tolerance, 1.0, _learning(nothing), now, fresh_after=now if is_fresh else None
    )


def gate(standing: Standing | None, policy: TierPolicy) -> Gate:
    """What applies to a request. None: nothing is known of the gate."""
    if policy.mode is Semantic.OFF:
        return Gate(GateState.OFF, math.inf, 0.0, "the cache policy has it switched off")
    if policy.mode is Semantic.SHADOW:
        return Gate(GateState.SHADOW, math.inf, 1.0, "the cache policy has it compared only")
    if policy.mode is Semantic.MANUAL and policy.manual_threshold is not None:
        return Gate(
            GateState.SERVING, policy.manual_threshold, policy.check_share, "the cache policy sets the threshold"
        )
    if standing is None:
        return Gate(GateState.SHADOW, math.inf, 1.0, "nothing is known of it yet")
    return _of_record(standing, policy)


def decide(standing: Standing, evidence: Evidence, *, policy: TierPolicy, now: datetime) -> Standing:
    """Where the gate stands after the evidence. The same evidence moves it once."""
    if standing.state is GateState.OFF:
        is_over = standing.off_until is None or standing.off_until <= now
        return beginning(policy, now, is_fresh=True) if is_over else standing
    if standing.state is GateState.SERVING and standing.threshold is not None:
        return _kept_open(standing, standing.threshold, evidence, policy=policy, now=now)
    return _opened(standing, evidence, policy=policy, now=now)


def _of_record(standing: Standing, policy: TierPolicy) -> Gate:
    if standing.state is GateState.OFF:
        return Gate(GateState.OFF, math.inf, 0.0, standing.reason)
    if standing.state is GateState.SHADOW or standing.threshold is None:
        return Gate(GateState.SHADOW, math.inf, 1.0, standing.reason)
    if policy.tolerance < standing.tolerance:
        return Gate(GateState.SHADOW, math.inf, 1.0, f"not proven yet for a tolerance of {_percent(policy.tolerance)}")
    return Gate(GateState.SERVING, standing.threshold, standing.sample_rate, standing.reason)


def _opened(standing: Standing, evidence: Evidence, *, policy: TierPolicy, now: datetime) -> Standing:
    proof = calibration.calibrate(_allowed(evidence.recent, evidence.bound_to), policy.tolerance)
    if proof.threshold is None:
        return replace(standing, proof=proof, tolerance=policy.tolerance, reason=_learning(proof))
    return _serving(standing, proof, "opened at", policy=policy, since=now)


def _kept_open(
    standing: Standing, threshold: float, evidence: Evidence, *, policy: TierPolicy, now: datetime
) -> Standing:
    present = _at(threshold, evidence.served)
    is_bound = evidence.bound_to is not None and evidence.bound_to >= threshold
    if is_bound or present.upper_bound > policy.tolerance:
        return _raised(standing, present, evidence, policy=policy, now=now)
    looser = calibration.calibrate(_allowed(evidence.recent, evidence.bound_to), policy.tolerance * _SPARED)
    if looser.threshold is not None and looser.threshold <= threshold - _SMALLEST_STEP:
        return _serving(standing, looser, "lowered to", policy=policy, since=now)
    return _serving(standing, present, "serves from", policy=policy, since=standing.since)


def _raised(
    standing: Standing, present: Calibration, evidence: Evidence, *, policy: TierPolicy, now: datetime
) -> Standing:
    """From a stricter threshold on; where none is proven, not at all."""
    proof = calibration.calibrate(_allowed(evidence.served, evidence.bound_to), policy.tolerance)
    if proof.threshold is not None:
        return _serving(standing, proof, "raised to", policy=policy, since=now)
    if present.wrong > policy.tolerance * present.checked and present.checked >= _enough(policy):
        return _switched_off(standing, present, policy=policy, now=now)
    # unproven is not refuted: what was found so far still counts
    return replace(
        beginning(policy, now),
        proof=proof,
        reason=f"back to learning: {_learning(proof)}",
        fresh_after=standing.fresh_after,
    )


def _switched_off(standing: Standing, present: Calibration, *, policy: TierPolicy, now: datetime) -> Standing:
    until = now + COOL_DOWN
    return replace(
        standing,
        state=GateState.OFF,
        proof=replace(present, threshold=None),
        tolerance=policy.tolerance,
        sample_rate=0.0,
        reason=f"switched off until {until:%H:%M} UTC: {_counted(present)}",
        since=now,
        off_until=until,
    )


def _serving(standing: Standing, proof: Calibration, verb: str, *, policy: TierPolicy, since: datetime) -> Standing:
    share = max(_LEAST_SHARE, min(1.0, _enough(policy) / max(1, proof.checked)))
    return replace(
        standing,
        state=GateState.SERVING,
        proof=proof,
        tolerance=policy.tolerance,
        sample_rate=policy.check_share * share,
        reason=f"{verb} {proof.threshold:.3f}: {_counted(proof)}, so at most {_percent(proof.upper_bound)} of hits are",
        since=since,
    )


def _at(threshold: float, served: Sequence[Finding]) -> Calibration:
    wrong = sum(not finding.agrees for finding in served)
    return Calibration(threshold, len(served), wrong, calibration.upper_bound(wrong, len(served)), 0)


def _allowed(findings: Sequence[Finding], bound_to: float | None) -> Sequence[Finding]:
    return findings if bound_to is None else [finding for finding in findings if finding.score > bound_to]


def _enough(policy: TierPolicy) -> int:
    return calibration.checks_needed(policy.tolerance)


def _learning(proof: Calibration) -> str:
    return f"learning: at least {proof.needed} more right answers are needed, {_counted(proof)}"


def _counted(proof: Calibration) -> str:
    return f"{proof.wrong} of {proof.checked} checks were wrong"


def _percent(share: float) -> str:
    return f"{share * 100:.2f} %"


def _fits(text: str, longest: int) -> bool:
    return len(text) <= longest and text.isprintable()
