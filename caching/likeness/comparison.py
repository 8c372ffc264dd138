"""Decides whether the answer to a kept question may be given to the one that is asked."""

import math
from dataclasses import dataclass

from acron_site.lib.values import quick
from caching.likeness import guards, reading, verifier


@quick
@dataclass(frozen=True, slots=True)
class Verdict:
    """`score` is 0 to 1 and grows with the chance that both share an answer; where it may be served is calibrated."""

    score: float
    vetoed_by: str = ""  # the guard that refused; then the score is 0


class Likeness:
    """Guards first, then a score. Pure; takes any text, in time that its length bounds."""

    version = "1"  # another one whenever guards, features or weights change: calibrations hold for one alone

    def __init__(self) -> None:
        self._verifier = verifier.shipped()

    def compare(self, asked: str, kept: str, similarity: float) -> Verdict:
        """`similarity` is the cosine of the two; a number that is none scores 0."""
        ours, theirs = reading.read(asked), reading.read(kept)
        refused = guards.refusing(ours, theirs)
        if refused:
            return Verdict(0.0, refused)
        if not math.isfinite(similarity):
            return Verdict(0.0)
        return Verdict(self._verifier.score(ours, theirs, min(1.0, max(-1.0, similarity))))
