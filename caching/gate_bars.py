"""Counts of checks as bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from caching.gate_outlook import Bucket

_FULL = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """A bucket with its end; lengths are hundredths of the longest bar's."""

    low: float
    high: float
    agree: int
    disagree: int
    agree_length: int
    disagree_length: int


def bars(buckets: Sequence[Bucket]) -> Sequence[Bar]:
    """From the lowest one on in which there is something, the highest first."""
    longest = max((each.agree + each.disagree for each in buckets), default=0)
    ends = [*(each.low for each in buckets[1:]), 1.0]
    filled = [place for place, each in enumerate(buckets) if each.agree or each.disagree]
    if not filled:
        return []
    return [_bar(buckets[place], ends[place], longest) for place in range(len(buckets) - 1, filled[0] - 1, -1)]


def _bar(bucket: Bucket, high: float, longest: int) -> Bar:
    agree, disagree = (_length(count, longest) for count in (bucket.agree, bucket.disagree))
    return Bar(bucket.low, high, bucket.agree, bucket.disagree, min(agree, _FULL - disagree), disagree)


def _length(count: int, longest: int) -> int:
    # one wrong answer among thousands is still to be seen
    return max(1, count * _FULL // longest) if count else 0
