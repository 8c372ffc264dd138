"""The report of recorded answers: cost at kept quality, the curve between them, and what was assumed."""

from collections.abc import Iterator, Mapping

from inference.benchmark.recorded import Held, Point, Study
from inference.benchmark.report import Curves, Figure, Report, Section, Series, Table, Unit

_LIMITS = (
    "Correctness is what whoever recorded the answers found; it holds for these prompts, models and versions.",
    "Tasks are the file's own labels. In service a task is recognised, which errs.",
    "Caches are not part of it: prompts of test sets do not repeat.",
    "Costs take answers as long as they were recorded, and leave reasoning, retries and prompt caches out.",
)


def report(study: Study, conditions: Mapping[str, str]) -> Report:
    return Report(
        title="Benchmark: routing on recorded answers",
        lead=f"{study.prompts + study.fitted_on:,} prompts with recorded answers of {len(study.models)} models. The "
        f"router's settings were chosen on {study.fitted_on:,} of them; every figure is of the other "
        f"{study.prompts:,}, compared with all of them at {study.strong}.",
        headlines=("saved_at_99", "quality_at_99", "saved_at_95", "quality_at_95"),
        sections=(
            Section("Cost at kept quality", figures=tuple(_figures(study)), plots=(_curve(study),)),
            Section("Each model alone", tables=(_alone(study),)),
        ),
        limits=(*study.assumed, *_LIMITS),
        conditions={**conditions, "strong model": study.strong, "models": ", ".join(study.models)},
    )


def _figures(study: Study) -> Iterator[Figure]:
    for held in study.held:
        yield from _of_target(held)
    best = study.best_possible
    note = f"with {best.quality:.1%} of its quality: what somebody could do who knew the answers beforehand"
    yield Figure("saved_best_possible", "The most that is possible", 1 - best.cost, Unit.SHARE, note=note)
    if study.apgr is not None:
        note = "area under the recovered gap by the share of strong calls; choosing by chance gives 50 %"
        yield Figure("apgr", "Average gap recovered (APGR)", study.apgr, Unit.SHARE, note=note)


def _of_target(held: Held) -> Iterator[Figure]:
    name, aim = f"{held.target:.0%}".rstrip("%"), f"aiming at {held.target:.0%} of the quality"
    if held.point is None:
        yield Figure(f"saved_at_{name}", f"Cost saved, {aim}", None, Unit.SHARE, note="no setting keeps it")
        return
    spans = [None if each is None else (each.low, each.high) for each in (held.cost, held.quality)]
    low, high = (1 - spans[0][1], 1 - spans[0][0]) if spans[0] else (None, None)
    note = f"{held.point.strong_calls:.0%} of calls went to the strong model"
    yield Figure(f"saved_at_{name}", f"Cost saved, {aim}", 1 - held.point.cost, Unit.SHARE, low, high, note)
    low, high = spans[1] or (None, None)
    yield Figure(f"quality_at_{name}", "Quality kept at that setting", held.point.quality, Unit.SHARE, low, high)


def _curve(study: Study) -> Curves:
    cheapest = min(study.alone.values(), key=lambda point: point.cost)
    others = [point for name, point in study.alone.items() if name != study.strong]
    return Curves(
        "Quality kept by cost, both as shares of the strong model's",
        "cost",
        "quality",
        Unit.SHARE,
        Unit.SHARE,
        (
            Series(study.chooser, tuple(sorted({(point.cost, point.quality) for point in study.curve}))),
            Series("cheapest and strong by chance", (_place(cheapest), (1.0, 1.0))),
            Series("one model alone", tuple(map(_place, others)), is_line=False),
            Series(f"all at {study.strong}", ((1.0, 1.0),), is_line=False),
            Series("the most that is possible", (_place(study.best_possible),), is_line=False),
        ),
    )


def _place(point: Point) -> tuple[float, float]:
    return point.cost, point.quality


def _alone(study: Study) -> Table:
    ranked = sorted(study.alone.items(), key=lambda found: found[1].cost)
    rows = tuple((name, f"{point.cost:.1%}", f"{point.quality:.1%}") for name, point in ranked)
    return Table("Every prompt at one model", ("model", "cost", "quality"), rows)
