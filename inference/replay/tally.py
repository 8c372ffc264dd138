"""What a replay adds up to: hits and whether they were right, money, and what gates and checks did."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from acron_site.lib import money
from acron_site.lib.money import ZERO
from inference.replay.stand_in import Meant
from inference.replay.trace import Repeats, Request

COMPOSED = (
    "The trace is composed (public questions, recorded arrivals and lengths, chosen shares of repeats), not measured "
    "traffic; the stand-in provider answers word for word the same within a group, so checks err less than they "
    "would with real answers."
)


@dataclass(frozen=True, slots=True)
class Move:
    """A gate that has moved. `at_seconds` of the trace."""

    at_seconds: float
    tenant: str
    state: str
    threshold: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A check, beside what the labels say. `is_right` is None where the neighbour is not known any more."""

    source: str
    score: float
    agrees: bool
    is_right: bool | None


@dataclass(frozen=True, slots=True)
class Books:
    """What the ledger says of all tenants together; saved is net of the gateway's own calls."""

    cost_usd: Decimal = ZERO
    baseline_usd: Decimal = ZERO
    saved_usd: Decimal = ZERO
    checks_usd: Decimal = ZERO

    def __add__(self, other: "Books") -> "Books":
        return Books(
            self.cost_usd + other.cost_usd,
            self.baseline_usd + other.baseline_usd,
            self.saved_usd + other.saved_usd,
            self.checks_usd + other.checks_usd,
        )

    @property
    def saved_share(self) -> float:
        return float(self.saved_usd / self.baseline_usd) if self.baseline_usd else 0.0


@dataclass(frozen=True, slots=True)
class Effort:
    """What it took. `failures`: look-ups of tier 2 that the store did not answer in time; `left_out`: lessons."""

    seconds: float
    embedding_cpu_seconds: float
    failures: int
    left_out: int


@dataclass
class Tally:
    """Counts as the replay goes on."""

    requests: int = 0
    right: Counter[int] = field(default_factory=Counter)  # by tier
    wrong: Counter[int] = field(default_factory=Counter)
    strangers: int = 0  # answers that were another tenant's
    moves: list[Move] = field(default_factory=list)
    checks: list[Checked] = field(default_factory=list)

    def count(self, request: Request, tier: int, answered: Meant) -> None:
        self.requests += 1
        self.strangers += answered.tenant != request.tenant
        if tier:
            (self.right if answered == Meant(request.tenant, request.group) else self.wrong)[tier] += 1

    def note_gate(self, move: Move) -> None:
        """Only what is new of a tenant's gate is a move."""
        last = next((each for each in reversed(self.moves) if each.tenant == move.tenant), None)
        if last is None or (last.state, last.threshold) != (move.state, move.threshold):
            self.moves.append(move)

    @property
    def hits(self) -> int:
        return self.right.total() + self.wrong.total()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One replay at one tolerance."""

    tolerance: float
    tally: Tally
    repeats: Repeats
    books: Books
    effort: Effort


def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """For scripts."""
    return {"about": COMPOSED, "replays": [_document(each) for each in outcomes]}


def text(outcomes: Sequence[Outcome]) -> str:
    return "\n\n".join([COMPOSED, *("\n".join(_lines(each)) for each in outcomes)])


def _document(outcome: Outcome) -> dict[str, Any]:
    tally, books = outcome.tally, outcome.books
    return {
        "tolerance": outcome.tolerance,
        "requests": tally.requests,
        "repeats": asdict(outcome.repeats),
        "tiers": {str(tier): {"right": tally.right[tier], "wrong": tally.wrong[tier]} for tier in (1, 2)},
        "answers_of_strangers": tally.strangers,
        "books": {name: money.to_text(amount) for name, amount in asdict(books).items()},
        "saved_share_of_cost": round(books.saved_share, 4),
        "saved_share_of_requests": round(_share(tally.hits, tally.requests), 4),
        "gates": [asdict(move) for move in tally.moves],
        "checks": {source: _checks(tally, source) for source in ("shadow", "sampled")},
        "effort": asdict(outcome.effort),
    }


def _checks(tally: Tally, source: str) -> dict[str, int]:
    """`missed`: called right though the labels say wrong; `blamed`: the other way round."""
    made = [check for check in tally.checks if check.source == source]
    return {
        "made": len(made),
        "found_wrong": sum(not check.agrees for check in made),
        "missed": sum(check.agrees and check.is_right is False for check in made),
        "blamed": sum(not check.agrees and check.is_right is True for check in made),
    }


def _lines(outcome: Outcome) -> Iterator[str]:
    tally, books, effort = outcome.tally, outcome.books, outcome.effort
    count = tally.requests
    yield (
        f"tolerance {outcome.tolerance:.1%}: {count:,} requests, of which {outcome.repeats.verbatim:,} "
        f"({_share(outcome.repeats.verbatim, count):.1%}) repeat an earlier one word for word and "
        f"{outcome.repeats.shareable:,} ({_share(outcome.repeats.shareable, count):.1%}) could share an earlier answer"
    )
    for tier in (1, 2):
        right, wrong = tally.right[tier], tally.wrong[tier]
        yield (
            f"  tier {tier}: {right + wrong:,} hits, {right:,} right and {wrong:,} wrong by the labels "
            f"({_share(wrong, right + wrong):.2%} of them wrong)"
        )
    yield f"  answers of another tenant: {tally.strangers}"
    yield (
        f"  saved: {_share(tally.hits, count):.1%} of requests; {money.to_text(books.saved_usd)} of "
        f"{money.to_text(books.baseline_usd)} USD ({books.saved_share:.1%}), "
        f"{money.to_text(books.checks_usd)} USD for checks taken off"
    )
    yield from _check_lines(tally)
    yield from _gate_lines(tally)
    yield (
        f"  {effort.seconds:.0f} s ({_share(count, effort.seconds):.0f} requests a second), of which "
        f"{effort.embedding_cpu_seconds:.1f} s CPU for embeddings; {effort.failures:,} look-ups too slow, "
        f"{effort.left_out:,} lessons left out"
    )


def _check_lines(tally: Tally) -> Iterator[str]:
    shadow, sampled = _checks(tally, "shadow"), _checks(tally, "sampled")
    yield (
        f"  checks in the shadow: {shadow['made']:,} neighbours that no guard refuses, however far, "
        f"{shadow['found_wrong']:,} of them wrong; the labels contradict {_contradicted(shadow)}"
    )
    yield (
        f"  checks of hits: {sampled['made']:,}, found {sampled['found_wrong']:,} of {tally.wrong[2]:,} wrong hits; "
        f"the labels contradict {_contradicted(sampled)}"
    )


def _contradicted(checks: dict[str, int]) -> int:
    return checks["missed"] + checks["blamed"]


def _gate_lines(tally: Tally) -> Iterator[str]:
    if all(move.state != "serving" for move in tally.moves):
        yield "  no gate opened: this trace does not prove that tolerance"
    for move in tally.moves:
        minutes, seconds = divmod(round(move.at_seconds), 60)
        yield f"  {minutes:>3}:{seconds:02} {move.tenant}: {move.state}: {move.reason}"


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
