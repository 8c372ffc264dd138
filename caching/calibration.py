"""From which score on answers may be shared, as far as checks prove it.

A check has a score and an outcome. Sharing from a threshold on is proven when the Clopper-Pearson upper bound of the
share of wrong ones among the checks at or above it is within the tolerance (C. J. Clopper, E. S. Pearson: The use of
confidence or fiducial limits, Biometrika 26, 1934).

Many thresholds are tried, so one of them would pass by luck. Fixed-sequence testing prevents that (A. N.
Angelopoulos et al.: Learn then Test, arXiv:2110.01052, 2021, "fixed sequence testing"): they are tried from strict to
loose in an order that the outcomes have no influence on, and the first that fails ends it. With several starting
points, as there, each has its part of the error that is allowed.

The sequence is made of the scores alone: it begins where there are just enough checks for a proof, and each step takes
in a tenth more. So thresholds with too little evidence are not skipped after a look at their outcomes, they never were
in it. With the scores given, outcomes are independent, each with a chance of its own, and the bound holds for the mean
of those chances: such a sum varies less than the binomial one that the bound is made for (W. Hoeffding: On the
distribution of the number of successes in independent trials, 1956).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

CONFIDENCE = 0.95

_STEP = 1.1
_MOST_STARTS = 4
_HALVINGS = 40
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found: the score of a neighbour, and whether its answer said the same as a fresh one."""

    score: float
    agrees: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """`threshold`: the loosest that is proven. The other figures are of the checks at or above it, or of all of them.

    `needed`: how many more checks without a mistake it takes at least, scoring above all that were made.
    """

    threshold: float | None
    checked: int
    wrong: int
    upper_bound: float
    needed: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    threshold: float
    checked: int
    wrong: int


def calibrate(findings: Sequence[Finding], tolerance: float, confidence: float = CONFIDENCE) -> Calibration:
    """The loosest threshold for which at most `tolerance` of what is shared is wrong."""
    ranked = sorted(findings, key=lambda finding: -finding.score)
    risk = 1 - confidence
    proven = [
        candidate
        for start in _starts(len(ranked), tolerance, risk)
        for candidate in _chain(
            ranked, start, tolerance=tolerance, risk=risk / _starting_points(len(ranked), tolerance)
        )
    ]
    if not proven:
        wrong = sum(not finding.agrees for finding in ranked)
        bound = upper_bound(wrong, len(ranked), confidence)
        return Calibration(None, len(ranked), wrong, bound, _needed(ranked, tolerance, risk))
    loosest = max(proven, key=lambda candidate: candidate.checked)
    bound = upper_bound(loosest.wrong, loosest.checked, confidence)
    return Calibration(loosest.threshold, loosest.checked, loosest.wrong, bound, 0)


def upper_bound(wrong: int, checked: int, confidence: float = CONFIDENCE) -> float:
    """The largest share of wrong ones that is still likely, one-sided. 1 where nothing was checked."""
    if wrong >= checked:
        return 1.0
    low, high = wrong / checked, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _tail(wrong, checked, middle) < 1 - confidence else (middle, high)
    return high


def checks_needed(tolerance: float, risk: float = 1 - CONFIDENCE) -> int:
    """How many checks without a mistake prove it: 299 for 1 % at 95 %."""
    return math.ceil(math.log(risk) / math.log1p(-tolerance))


def _starts(checked: int, tolerance: float, risk: float) -> Iterator[int]:
    points = _starting_points(checked, tolerance)
    first = checks_needed(tolerance, risk / points)
    # one wrong answer at the very top would end the only sequence for good; one that begins later can bear it
    return (first << doubled for doubled in range(points) if first << doubled <= checked)


def _starting_points(checked: int, tolerance: float) -> int:
    return max(1, min(_MOST_STARTS, int(math.log2(max(1.0, checked / checks_needed(tolerance)))) + 1))


def _chain(ranked: Sequence[Finding], start: int, *, tolerance: float, risk: float) -> Iterator[_Candidate]:
    """Those that pass, from `start` on, until one does not."""
    for candidate in _candidates(ranked, start):
        if not _is_within(candidate.wrong, candidate.checked, tolerance, risk):
            return
        yield candidate


def _candidates(ranked: Sequence[Finding], start: int) -> Iterator[_Candidate]:
    wrong = list(accumulate(not finding.agrees for finding in ranked))
    count = start
    while count <= len(ranked):
        threshold = ranked[count - 1].score
        # who has the same score is shared too
        while count < len(ranked) and ranked[count].score == threshold:
            count += 1
        yield _Candidate(threshold, count, wrong[count - 1])
        count = count + 1 if count == len(ranked) else min(len(ranked), math.ceil(count * _STEP))


def _is_within(wrong: int, checked: int, tolerance: float, risk: float) -> bool:
    """As `upper_bound(wrong, checked, 1 - risk) <= tolerance`, without looking for the bound."""
    return wrong < tolerance * checked and _tail(wrong, checked, tolerance) <= risk


def _tail(wrong: int, checked: int, rate: float) -> float:
    """The chance of at most `wrong` among `checked`, at a rate of at least `wrong / checked`."""
    total = term = 1.0
    for count in range(wrong, 0, -1):  # each term is smaller than the one before
        term *= count * (1 - rate) / ((checked - count + 1) * rate)
        total += term
        if term < _NEGLIGIBLE * total:
            break
    ways = math.lgamma(checked + 1) - math.lgamma(wrong + 1) - math.lgamma(checked - wrong + 1)
    chance = wrong * math.log(rate) if wrong else 0.0
    return math.exp(ways + chance + (checked - wrong) * math.log1p(-rate)) * total if rate < 1 else 0.0


def _needed(ranked: Sequence[Finding], tolerance: float, risk: float) -> int:
    clean = next((place for place, finding in enumerate(ranked) if not finding.agrees), len(ranked))
    needed = checks_needed(tolerance, risk / _starting_points(len(ranked), tolerance)) - clean
    grown = len(ranked) + max(0, needed)
    return max(1, checks_needed(tolerance, risk / _starting_points(grown, tolerance)) - clean)
