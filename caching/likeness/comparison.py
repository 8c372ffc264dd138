"""Decides whether the answer to a kept question may be given to the one that is asked."""

import math
from dataclasses import dataclass

from acron_site.lib.values import quick
from caching.likeness import guards, instructions, reading, verifier
from caching.likeness.reading import Reading


@quick
@dataclass(frozen=True, slots=True)
class Verdict:
    """`score` is 0 to 1 and grows with the chance that both share an answer; where it may be served is calibrated."""

    score: float
    vetoed_by: str = ""  # the guard that refused; then the score is 0


class Likeness:
    """Guards first, then a score. Pure; takes any text, in time that its length bounds."""

    version = "3"  # another one whenever guards, features or weights change: calibrations hold for one alone

    def __init__(self) -> None:
        self._verifier = verifier.shipped()

    def compare(self, asked: str, kept: str, similarity: float) -> Verdict:
        """`similarity` is the cosine of the two; a number that is none scores 0."""
        ours, theirs = reading.read(asked), reading.read(kept)
        refused = _refusing(ours, theirs)
        if refused:
            return Verdict(0.0, refused)
        if not math.isfinite(similarity):
            return Verdict(0.0)
        return Verdict(self._verifier.score(ours, theirs, min(1.0, max(-1.0, similarity))))


def _refusing(ours: Reading, theirs: Reading) -> str:
    """Word for word the same text cannot ask something else: it is looked at for what no text may hold alone."""
    if ours.original == theirs.original and ours.words:
        return "instructions" if instructions.looks_like_orders(ours) else ""
    return guards.refusing(ours, theirs)
