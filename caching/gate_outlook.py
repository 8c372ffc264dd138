"""What a gate's checks look like to people, and what serving from another threshold would give."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from caching import calibration

BUCKETS = 20
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99)


@dataclass(frozen=True, slots=True)
class Seen:
    """A check. `sample_rate`: of the look-ups like it that are checked, so it stands for the others too."""

    score: float
    similarity: float
    agrees: bool
    sample_rate: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """From `low` on, up to where the next one begins."""

    low: float
    agree: int
    disagree: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """`hit_share`: of the look-ups that found a neighbour. `upper_bound`: of the wrong ones among hits, at 95 %."""

    threshold: float
    hit_share: float
    checked: int
    wrong: int
    wrong_share: float
    upper_bound: float


def histogram(values: Iterable[tuple[float, bool]]) -> Sequence[Bucket]:
    """Values with whether they agree, from 0 to 1; what lies outside is counted at the end it is nearest to."""
    counts = [[0, 0] for _ in range(BUCKETS)]
    for value, agrees in values:
        place = min(BUCKETS - 1, max(0, int(value * BUCKETS)))
        counts[place][0 if agrees else 1] += 1
    return [Bucket(place / BUCKETS, agree, disagree) for place, (agree, disagree) in enumerate(counts)]


def outlook(seen: Sequence[Seen], threshold: float) -> Outlook:
    """For a threshold below the present one the share of wrong hits is overstated: hits are checked more rarely."""
    hits = [check for check in seen if check.score >= threshold]
    wrong = sum(not check.agrees for check in hits)
    return Outlook(
        threshold=threshold,
        hit_share=_weight(hits) / _weight(seen) if seen else 0.0,
        checked=len(hits),
        wrong=wrong,
        wrong_share=wrong / len(hits) if hits else 0.0,
        upper_bound=calibration.upper_bound(wrong, len(hits)),
    )


def _weight(seen: Iterable[Seen]) -> float:
    return sum(1 / check.sample_rate for check in seen)
