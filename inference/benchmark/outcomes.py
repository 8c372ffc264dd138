"""What became of each request of a workload: how it was answered, whether rightly, and what that cost."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from acron_site.lib.money import ZERO
from inference.benchmark.savings import Savings
from inference.benchmark.workload import Item, Kind


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer. `error` says why there is none."""

    text: str = ""
    tier: int = 0
    model: str = ""
    latency_ms: float = 0.0
    cost: Decimal = ZERO
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`baseline` is the strong model's own answer, where it was asked; `savings` comes from the ledger's rows."""

    item: Item
    kind: Kind
    request_id: str
    optimised: Answered
    baseline: Answered | None = None
    savings: Savings | None = None  # None: a price is not known
    is_wrong_hit: bool = False

    @property
    def is_hit(self) -> bool:
        return self.optimised.tier > 0


@dataclass(frozen=True, slots=True)
class Run:
    """`loose`: rows of the gateway's own that belong to no request of the workload."""

    outcomes: Sequence[Outcome]
    strong: str
    is_real: bool
    seconds: float
    loose: Savings = field(default_factory=Savings)
    stopped_because: str = ""
    gate_reason: str = ""  # what tier 2 says of itself at the end

    @property
    def answered(self) -> Sequence[Outcome]:
        return [each for each in self.outcomes if not each.optimised.error]


def wrong_hits(answers: Iterable[tuple[str, Answered]]) -> set[int]:
    """Places of hits whose words nobody was given who asked for the same, by group.

    Two groups may have an answer in common ("yes"); then either may be served with it.
    """
    found = list(answers)
    given = defaultdict[str, set[str]](set)
    for group, answer in found:
        if not answer.tier and not answer.error:
            given[group].add(answer.text)
    return {place for place, (group, answer) in enumerate(found) if answer.tier and answer.text not in given[group]}
