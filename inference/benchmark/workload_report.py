"""The report of a workload: cost, hits, quality, latency, each with its interval."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate

import numpy as np

from inference.benchmark import savings, wording
from inference.benchmark.intervals import Bootstrap, Interval, Numbers
from inference.benchmark.outcomes import Answered, Outcome, Run
from inference.benchmark.report import Curves, Figure, Report, Section, Series, Table, Unit
from inference.benchmark.savings import Savings
from inference.benchmark.workload import Kind

_NAMES = {1: "exact", 2: "semantic", 3: "steps"}
_MEDIAN, _SLOW = 0.5, 0.95

_LIMITS = (
    "Each request waits for the one before, so requests that come at once and share one call are not measured.",
    (
        "The bootstrap draws requests as if they were independent. Hits depend on what came before, so intervals of "
        "hit rates and savings are rather too narrow, and they hold for this workload alone: run it with your own."
    ),
)
_PROVISO = (
    "Whether the cheaper models answer as well was not measured: only what the cache saved is free of that doubt."
)
_SIMULATED = (
    (
        "The stand-in provider writes no real answers, so quality is not measured: whether the cheaper model would "
        "have answered as well as the strong one is not known from it. Use --providers real or --recorded for that."
    ),
    (
        "Token counts of answers are those that the workload names, the same for every model; real models differ in "
        "how much they write."
    ),
    "The stand-in answers at once: latencies are the gateway's own, without a provider's time.",
    (
        "Within a group the stand-in answers word for word the same, so the checks of tier 2 err less than with real "
        "answers."
    ),
)
_REAL = (
    (
        "Quality is counted only on requests whose right answer a program can tell (`expect`), and only as a program "
        "can tell it."
    ),
)


def report(run: Run, boot: Bootstrap, conditions: Mapping[str, str]) -> Report:
    total = savings.total([run.loose, *(each.savings for each in run.outcomes)])
    sections = (
        _cost(run, total, boot),
        _hits(run, boot),
        _quality(run, boot),
        _latency(run, boot),
        Section("By task", tables=(_by_task(run),)),
    )
    return Report(
        title="Benchmark: the gateway against one strong model",
        lead=_lead(run, total),
        headlines=(
            "saved_share",
            "saved_by_cache_share",
            "quality_retained" if run.is_real else "hit_rate",
            "wrong_hits",
        ),
        sections=sections,
        limits=(*(_REAL if run.is_real else _SIMULATED), *_LIMITS),
        conditions=conditions,
    )


def _lead(run: Run, total: Savings) -> str:
    how = (
        f"each asked of {run.strong} and sent through cache and routing"
        if run.is_real
        else f"sent through cache and routing with a stand-in for providers, the same tokens priced at {run.strong}"
    )
    end = run.stopped_because if run.is_real else _PROVISO
    return f"{len(run.outcomes):,} requests, {how}. {_headline(total)} {end}".strip()


def _headline(total: Savings) -> str:
    share = float(total.saved / total.baseline) if total.baseline else 0.0
    return f"Saved {share:.1%}: {wording.dollars(total.paid)} instead of {wording.dollars(total.baseline)}."


def _cost(run: Run, total: Savings, boot: Bootstrap) -> Section:
    priced = [each.savings for each in run.outcomes if each.savings is not None]
    saved, whole = (
        np.array([float(each.saved) for each in priced]),
        np.array([float(each.baseline) for each in priced]),
    )
    share = float(total.saved / total.baseline) if total.baseline else None
    cached = np.array([float(each.exact + each.semantic + each.steps) for each in priced])
    by_cache = _share(float(cached.sum()), float(whole.sum()))
    figures = [
        figure("saved_share", "Cost saved", share, Unit.SHARE, boot.ratio(saved, whole)),
        figure("saved_by_cache_share", "Cost saved by the cache", by_cache, Unit.SHARE, boot.ratio(cached, whole)),
        figure("baseline_usd", f"The same tokens at {run.strong}", total.baseline, Unit.USD),
        figure("paid_usd", "Paid through the gateway", total.paid, Unit.USD),
        *_asked_both(run, boot),
        figure("unpriced", "Requests without a known price, in no sum", len(run.outcomes) - len(priced), Unit.COUNT),
        figure("failed", "Requests without an answer", len(run.outcomes) - len(run.answered), Unit.COUNT),
    ]
    plots = (
        savings.waterfall("Where the difference comes from", total, baseline=f"all at {run.strong}", paid="paid"),
        _spending(run.outcomes),
    )
    return Section("Cost", figures=tuple(figures), tables=(_sources(total), _models(run)), plots=plots)


def _asked_both(run: Run, boot: Bootstrap) -> Iterator[Figure]:
    """Against what the strong model's own answers cost, which may be longer or shorter."""
    pairs = [
        (each.savings.paid, each.baseline.cost)
        for each in run.answered
        if each.savings is not None and each.baseline is not None and not each.baseline.error
    ]
    if not pairs:
        return
    ours, theirs = (sum(amounts, Decimal(0)) for amounts in zip(*pairs, strict=True))
    saved, whole = np.array([(float(strong - paid), float(strong)) for paid, strong in pairs]).T
    yield figure("strong_answers_usd", f"What {run.strong}'s own answers cost", theirs, Unit.USD)
    share = _share(float(theirs - ours), float(theirs))
    yield figure("saved_share_of_answers", "Saved against these", share, Unit.SHARE, boot.ratio(saved, whole))


def _spending(found: Sequence[Outcome]) -> Curves:
    def sums(amounts: Iterable[Decimal]) -> tuple[tuple[float, float], ...]:
        return tuple((float(place), float(each)) for place, each in enumerate(accumulate(amounts), start=1))

    rows = [each.savings or Savings() for each in found]
    return Curves(
        "Money spent as the workload goes on",
        "requests",
        "USD so far",
        Unit.COUNT,
        Unit.USD,
        (
            Series("strong model alone", sums(each.baseline for each in rows)),
            Series("through the gateway", sums(each.paid for each in rows)),
        ),
    )


def _sources(total: Savings) -> Table:
    rows = [
        (label, wording.dollars(amount), _part(amount, total.baseline)) for label, amount in savings.labelled(total)
    ]
    return Table("What saved how much", ("source", "saved", "of the baseline"), tuple(rows))


def _models(run: Run) -> Table:
    count: Counter[str] = Counter(each.optimised.model for each in run.answered if not each.is_hit)
    calls = count.total()
    rows = [(name, f"{number:,}", _part(number, calls)) for name, number in count.most_common()]
    return Table("Which models answered what the cache did not", ("model", "requests", "share"), tuple(rows))


def _hits(run: Run, boot: Bootstrap) -> Section:
    found = run.outcomes
    hits = np.array([each.is_hit for each in found], float)
    by_tier = {tier: np.array([each.optimised.tier == tier for each in found], float) for tier in _NAMES}
    shareable = sum(each.kind in (Kind.EXACT, Kind.PARAPHRASE) for each in found)
    wrong = sum(each.is_wrong_hit for each in found)
    figures = (
        figure("hit_rate", "Answered from the cache", _mean(hits), Unit.SHARE, boot.mean(hits)),
        figure("shareable_share", "Could share an earlier answer", _share(shareable, len(found)), Unit.SHARE),
        *(
            figure(
                f"hit_rate_t{tier}", f"Tier {tier} ({name})", _mean(by_tier[tier]), Unit.SHARE, boot.mean(by_tier[tier])
            )
            for tier, name in _NAMES.items()
        ),
        Figure(
            "wrong_hits",
            "Wrong answers from the cache, by the labels of groups",
            wrong,
            Unit.COUNT,
            note=_of_hits(wrong, int(hits.sum())),
        ),
    )
    said = f"Tier 2 at the end: {run.gate_reason}." if run.gate_reason else ""
    return Section("Hits", text=(said,) if said else (), figures=figures, tables=(_by_kind(found),))


def _of_hits(wrong: int, hits: int) -> str:
    """None among few proves little: up to three in as many as were seen (the rule of three, at 95 %)."""
    if wrong or not hits:
        return f"of {hits:,} hits"
    return (
        f"of {hits:,} hits: so many without a mistake rule out only that more than {min(1.0, 3 / hits):.1%} are wrong"
    )


def _by_kind(found: Sequence[Outcome]) -> Table:
    rows = []
    for kind in Kind:
        of_kind = [each for each in found if each.kind is kind]
        tiers = [f"{sum(each.optimised.tier == tier for each in of_kind):,}" for tier in _NAMES]
        wrong = f"{sum(each.is_wrong_hit for each in of_kind):,}"
        rows.append((kind.value, f"{len(of_kind):,}", *tiers, wrong))
    columns = ("kind of request", "requests", "T1", "T2", "T3", "wrong")
    return Table("What the cache made of each kind; fresh requests and near misses must not hit", columns, tuple(rows))


def _quality(run: Run, boot: Bootstrap) -> Section:
    checked = [each for each in run.outcomes if each.item.expect is not None and each.baseline is not None]
    if not checked:
        said = "Not measured" + ("" if run.is_real else ": the stand-in writes no real answers")
        return Section("Quality", text=(f"{said}. The wrong hits above are all that this run says of it.",))
    ours = np.array([_is_right(each, each.optimised) for each in checked], float)
    theirs = np.array([_is_right(each, each.baseline) for each in checked], float)
    kept = _share(float(ours.sum()), float(theirs.sum()))
    figures = (
        figure(
            "quality_retained",
            "Quality kept: right answers against the strong model's",
            kept,
            Unit.SHARE,
            boot.ratio(ours, theirs),
        ),
        figure("right_optimised", "Right through the gateway", _mean(ours), Unit.SHARE, boot.mean(ours)),
        figure("right_baseline", f"Right at {run.strong}", _mean(theirs), Unit.SHARE, boot.mean(theirs)),
        figure("checked", "Requests whose answer a program can judge", len(checked), Unit.COUNT),
    )
    return Section("Quality", figures=figures)


def _is_right(outcome: Outcome, answer: Answered | None) -> bool:
    expect = outcome.item.expect
    return expect is not None and answer is not None and not answer.error and expect.is_met_by(answer.text)


def _latency(run: Run, boot: Bootstrap) -> Section:
    groups = {
        "hits": ("from the cache", [each.optimised for each in run.answered if each.is_hit]),
        "misses": ("from a provider", [each.optimised for each in run.answered if not each.is_hit]),
        "baseline": (
            f"{run.strong} alone",
            [each.baseline for each in run.answered if each.baseline is not None and not each.baseline.error],
        ),
    }
    figures = [
        found
        for name, (label, answers) in groups.items()
        for found in _latencies(name, label, np.array([each.latency_ms for each in answers], float), boot)
    ]
    return Section("Latency", figures=tuple(figures))


def _latencies(name: str, label: str, values: Numbers, boot: Bootstrap) -> Iterator[Figure]:
    if not len(values):
        return
    for share, word in ((_MEDIAN, "median"), (_SLOW, "95th percentile")):
        found = float(np.quantile(values, share))
        key = f"{name}_p{round(share * 100)}_ms"
        yield figure(key, f"{label}: {word}", found, Unit.MILLISECONDS, boot.quantile(values, share))


def _by_task(run: Run) -> Table:
    rows = []
    for task in dict.fromkeys(each.item.task for each in run.outcomes):
        of_task = [each for each in run.outcomes if each.item.task == task]
        total = savings.total(each.savings for each in of_task)
        hits = sum(each.is_hit for each in of_task)
        rows.append(
            (
                task,
                f"{len(of_task):,}",
                _part(hits, len(of_task)),
                wording.dollars(total.baseline),
                wording.dollars(total.paid),
                _part(total.saved, total.baseline),
            )
        )
    return Table("Each kind of task", ("task", "requests", "hits", "strong model", "paid", "saved"), tuple(rows))


def figure(name: str, label: str, value: Decimal | float | None, unit: Unit, found: Interval | None = None) -> Figure:
    """With its confidence interval, if there is one."""
    return Figure(name, label, value, unit, *((found.low, found.high) if found else (None, None)))


def _mean(values: Numbers) -> float | None:
    return float(values.mean()) if len(values) else None


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _part(part: Decimal | float, whole: Decimal | float) -> str:
    return f"{float(part) / float(whole):.1%}" if whole else "-"
