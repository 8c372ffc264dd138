"""The report of an audit: what was spent, what would have been saved, and what had to be assumed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from acron_site.lib.money import ZERO
from inference.benchmark import wording
from inference.benchmark.audit import Audit, Priced
from inference.benchmark.exports import Reading
from inference.benchmark.likely_hits import Likely
from inference.benchmark.report import Figure, Report, Section, Step, Table, Unit, Waterfall

_SHOWN_MODELS = 30
_LIMITS = (
    "Amounts are list prices of the models file. Discounts, credits and taxes of your contract are not in them.",
    (
        "Qualities in the models file are priors unless they say otherwise. The upper end of routing takes it that "
        "every call may go to the cheapest model that is good enough by them, the lower end that none may."
    ),
    (
        "Routing is priced at standard conditions, without a prompt cache, with the same numbers of tokens; other "
        "models count text in other tokens and write longer or shorter answers."
    ),
    "Repeats count however far apart they are: a cache that forgets answers sooner finds fewer.",
    "Nothing was sent anywhere: no key was used, no model was asked.",
)
_SUMS = (
    "The file adds calls up, so prompts that were long enough for higher prices cannot be told, and nothing is known "
    "of repeats."
)


@dataclass(frozen=True, slots=True)
class Found:
    audit: Audit
    reading: Reading
    likely: Likely | None

    @property
    def has_words(self) -> bool:
        return self.audit.with_words > 0


@dataclass(frozen=True, slots=True)
class _Range:
    low: Decimal
    high: Decimal


def report(found: Found, conditions: Mapping[str, str]) -> Report:
    priced = found.audit.priced()
    known = [each for each in priced if each.spent is not None]
    spent = sum((each.spent or ZERO for each in known), ZERO)
    ranges = _Ranges(found, known, spent)
    return Report(
        title="Audit: what these calls cost, and what would have been saved",
        lead=f"{_told(found)}, {wording.dollars(spent)} at list prices. {ranges.summary}",
        headlines=("spent_usd", "saved_total_usd", "repeated_share", "saved_exact_usd"),
        sections=(
            _spending(found, priced, spent),
            Section(
                "What would have been saved",
                text=() if found.has_words else _sensitivity(spent),
                figures=tuple(ranges.figures()),
                plots=tuple(ranges.plots()),
            ),
            Section("Each model", tables=tuple(_models(priced))),
            Section("The file", figures=tuple(_file(found.reading))),
        ),
        limits=tuple(_assumed(found)) + _LIMITS,
        conditions=conditions,
    )


def _told(found: Found) -> str:
    least = "At least " if found.reading.uncounted else ""
    return f"{least}{found.audit.requests:,} requests"


class _Ranges:
    """Each saving from what is certain to what is possible, one after the other, so that none counts twice."""

    def __init__(self, found: Found, known: Sequence[Priced], spent: Decimal) -> None:
        self._found, self._spent = found, spent
        repeated = sum((each.repeated for each in known), ZERO)
        self.exact = min(repeated, spent) if found.has_words else None
        left = spent - (self.exact or ZERO)
        self.semantic = (
            None
            if found.likely is None
            else _Range(left * Decimal(str(found.likely.strict)), left * Decimal(str(found.likely.lenient)))
        )
        rest = left - (self.semantic.high if self.semantic else ZERO)
        share = rest / spent if spent else ZERO
        elsewhere = sum((each.elsewhere for each in known), ZERO)
        self.routing = _Range(ZERO, (spent - elsewhere) * share)
        prompt_cache = sum((each.prompt_cache for each in known), ZERO)
        # beginnings that came again; those of answers from tier 2 would not have been sent
        self.prompt_cache = _Range(ZERO, prompt_cache) if found.has_words else None

    @property
    def total(self) -> _Range:
        """Prompt caching and routing are two ways to the same money: the larger counts."""
        certain = (self.exact or ZERO) + (self.semantic.low if self.semantic else ZERO)
        most = max(self.routing.high, self.prompt_cache.high if self.prompt_cache else ZERO)
        return _Range(certain, (self.exact or ZERO) + (self.semantic.high if self.semantic else ZERO) + most)

    @property
    def summary(self) -> str:
        total = self.total
        return (
            f"Between {wording.dollars(total.low)} and {wording.dollars(total.high)} of it could have been saved, "
            "depending on what is assumed below."
        )

    def figures(self) -> Iterator[Figure]:
        unknown = "not known: the file holds no prompts"
        exact = self.exact
        note = unknown if exact is None else "counted: requests that say word for word what an earlier one said"
        if self._found.audit.repeats.is_sampled:
            note = "counted on a sample of the prompts by their digests, as there are many"
        yield Figure("saved_exact_usd", "Exact cache (T1)", exact, Unit.USD, note=note)
        yield self._ranged("semantic", "Semantic cache (T2), estimate", self.semantic, self._semantic_note())
        note = "if every call may, or none may, go to the cheapest model that is good enough"
        yield self._ranged("routing", "Routing", self.routing, note)
        note = (
            unknown
            if self.prompt_cache is None
            else (
                "beginnings of 1,024 tokens and more that came again, if always or never in time; in place of routing"
            )
        )
        yield self._ranged("prompt_cache", "Provider's prompt cache, beyond what was used", self.prompt_cache, note)
        yield self._ranged("total", "All together", self.total, "")

    def plots(self) -> Iterator[Waterfall]:
        if not self._spent:
            return
        steps, at = [Step("spent", ZERO, self._spent, is_total=True)], self._spent
        highest = [
            ("exact cache", self.exact),
            ("semantic cache", self.semantic),
            ("routing", self.routing),
        ]
        for label, saving in highest:
            amount = saving.high if isinstance(saving, _Range) else saving
            if amount:
                steps.append(Step(label, at, at - amount))
                at -= amount
        yield Waterfall("The most that these would have saved", (*steps, Step("left at best", ZERO, at, is_total=True)))

    def _ranged(self, name: str, label: str, found: _Range | None, note: str) -> Figure:
        low, high = (found.low, found.high) if found else (None, None)
        return Figure(f"saved_{name}_usd", label, None, Unit.USD, low, high, note)

    def _semantic_note(self) -> str:
        likely = self._found.likely
        if likely is None:
            return "not known: the file holds no prompts, or this machine no embedder"
        return (
            f"estimate on the first {likely.looked_at:,} different requests: {likely.strict:.1%} at the strict "
            f"threshold to {likely.lenient:.1%} at a lenient one, behind all guards; whether rightly, only checks show"
        )


def _spending(found: Found, priced: Sequence[Priced], spent: Decimal) -> Section:
    unpriced = [each for each in priced if each.spent is None]
    names = ", ".join(each.model for each in unpriced[:_SHOWN_MODELS])
    figures = [
        Figure("spent_usd", "Spent, at list prices", spent, Unit.USD),
        Figure("requests", "Requests", found.audit.requests, Unit.COUNT),
        Figure("repeated_share", "Repeat an earlier request word for word", found.audit.repeats.share, Unit.SHARE),
        Figure(
            "unpriced",
            "Requests without a known price, in no sum",
            sum(each.requests for each in unpriced),
            Unit.COUNT,
            note=f"models: {names}" if names else "",
        ),
    ]
    if found.reading.billed:
        figures.append(Figure("billed_usd", "Billed, as the export says", found.reading.billed_usd, Unit.USD))
    return Section("Spending", figures=tuple(figures))


def _sensitivity(spent: Decimal) -> tuple[str, ...]:
    return (
        (
            "The file holds no prompts, so nobody can say how many requests repeat earlier ones. Each hundredth of the "
            f"requests that a cache answers would have saved about {wording.dollars(spent / 100)}. A request log with "
            "prompts shows how many they are."
        ),
    )


def _models(priced: Sequence[Priced]) -> Iterator[Table]:
    rows = [
        (
            each.model,
            f"{each.requests:,}",
            wording.number(each.spent, Unit.USD) if each.spent is not None else "no price is known",
            each.better or "-",
            wording.dollars(each.elsewhere) if each.better else "-",
        )
        for each in priced[:_SHOWN_MODELS]
    ]
    columns = ("model", "requests", "spent", "good enough and cheaper", "would cost")
    more = f"; {len(priced) - _SHOWN_MODELS:,} more are left out" if len(priced) > _SHOWN_MODELS else ""
    yield Table(f"What each model cost{more}", columns, tuple(rows))


def _file(reading: Reading) -> Iterator[Figure]:
    yield Figure("rows", "Rows", reading.rows, Unit.COUNT, note=f"read as {reading.format}")
    yield Figure("bad", "Rows that could not be read", reading.bad, Unit.COUNT)
    yield Figure("too_long", "Lines that were too long", reading.too_long, Unit.COUNT)
    yield Figure("without_usage", "Rows that count no tokens", reading.without_usage, Unit.COUNT)
    yield Figure("estimated", "Requests whose tokens were counted from their words", reading.estimated, Unit.COUNT)


def _assumed(found: Found) -> Iterator[str]:
    if found.audit.sums:
        yield _SUMS
    if found.reading.uncounted:
        yield f"{found.reading.uncounted:,} rows add up calls without saying how many; each counts as one request."
    if found.reading.estimated:
        yield (
            f"{found.reading.estimated:,} requests name no usage: a token is taken for four characters, and answers "
            "that are not in the file for nothing."
        )
