"""`evaluate_routing --data DIR`: what the predictor of Autopilot is worth on public recorded scores."""

import json
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.routing import agreement, curves, evaluation, measures, priors, recorded
from inference.routing.agreement import Cascaded
from inference.routing.curves import Point
from inference.routing.evaluation import Cost, Placed, Row
from inference.routing.measures import Bin
from inference.routing.predictor import Prior
from inference.routing.recorded import RecordedSet
from inference.routing.remembered import Remembered, placing

_FEWEST_ROWS = 250
_CASCADE_QUALITY = 0.99
_MANY_MODELS = 3


@dataclass(frozen=True, slots=True)
class Report:
    """Of one set."""

    name: str
    learnt: int
    tested: int
    pair: tuple[str, str]
    routers: Sequence[Row]
    costs: Sequence[Cost]
    curve: Sequence[Point]
    reliability: Mapping[str, Sequence[Bin]]
    cascade: Cascaded | None


class Command(BaseCommand):
    help = (
        "APGR, CPT(50 %), CPT(80 %) of the predictor next to random, length, logistic regression, ridge and kNN; cost "
        "at 95 and 99 % of the strongest model's quality (recorded costs, else list prices of the time for the text's "
        "length and 200 tokens of answer); learning curves; reliability. 70 % of each set's prompts are learnt from, "
        "by their digest; the prior is fitted on the other sets, without prompts that they share with the tested one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="holds routing/*.jsonl.gz")
        parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()), metavar="DIR", help="of vectors")
        parser.add_argument("--known", action="store_true", help="prompts whose vectors are in the cache alone")
        parser.add_argument("--only", nargs="+", default=(), metavar="SET", help="names of sets")
        parser.add_argument("--json", action="store_true", help="for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        sets = list(recorded.recorded_sets(options["data"]))
        if not sets:
            raise CommandError(f"{options['data']} holds no routing/*.jsonl.gz")
        vectors = Remembered(options["cache"], placing())
        shown = [vectors.known(each) for each in sets] if options["known"] else sets
        topics = priors.topics(shown, vectors.of)
        reports = []
        for each in shown:
            if each.name in evaluation.PAIRS and (not options["only"] or each.name in options["only"]):
                reports.append(_report(each, evaluation.prior_without(each, sets, topics), vectors))
                if not options["json"]:
                    self.stdout.write("\n".join(_lines(reports[-1])))
                    self.stdout.flush()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(report) for report in reports], indent=1))


def _report(each: RecordedSet, prior: Prior, vectors: Remembered) -> Report:
    learnt, tested = (evaluation.placed(each.part(is_test=is_test), vectors.of) for is_test in (False, True))
    pair, has_many = evaluation.PAIRS[each.name], len(each.models) >= _MANY_MODELS
    return Report(
        each.name,
        len(learnt.part.rows),
        len(tested.part.rows),
        pair,
        evaluation.ranked(prior, learnt, tested, pair),
        evaluation.costs(prior, learnt, tested) if has_many else (),
        list(_curve(prior, learnt, tested, pair=pair)),
        evaluation.reliability(prior, learnt, tested, each.models),
        agreement.best(each, quality=_CASCADE_QUALITY) if has_many else None,
    )


def _curve(prior: Prior, learnt: Placed, tested: Placed, *, pair: tuple[str, str]) -> Iterator[Point]:
    if len(learnt.part.rows) >= _FEWEST_ROWS:
        yield from curves.curve(prior, learnt, tested, pair)


def _lines(report: Report) -> Iterator[str]:
    yield f"\n{report.name}: {report.learnt:,} prompts learnt, {report.tested:,} tested; {' / '.join(report.pair)}"
    yield f"  {'router':<36}{'APGR':<24}{'CPT(50 %)':<11}CPT(80 %)"
    for row in report.routers:
        interval = f"{row.ranking.apgr:.3f} [{row.interval.low:.3f}, {row.interval.high:.3f}]"
        yield f"  {row.router:<36}{interval:<24}{row.ranking.cpt_50:<11.1%}{row.ranking.cpt_80:.1%}"
    for cost in report.costs:
        yield f"  cost at {cost.share:.0%} of the quality: {_percent(cost.predicted)}; mixed at random {cost.mixed:.1%}"
    for point in report.curve:
        yield (
            f"  after {point.rows:>5,} rows: APGR {point.apgr:.3f}, log loss {point.log_loss:.3f}, calibration error "
            f"{point.calibration_error:.3f}, cost at 95 % {_percent(point.cost_at_95)}, "
            f"at 99 % {_percent(point.cost_at_99)}"
        )
    for name, bins in report.reliability.items():
        shown = " ".join(f"{each.predicted:.2f}:{each.actual:.2f}" for each in bins)
        yield f"  predicted:actual, {name} (error {measures.calibration_error(tuple(bins)):.3f}): {shown}"
    if report.cascade:
        found = report.cascade
        yield (
            f"  cascade {found.first} + {found.second}, else {found.strong}: {found.cost:.1%} of the cost at "
            f"{found.quality:.1%} of the quality (the pair is chosen with hindsight)"
        )


def _percent(share: float | None) -> str:
    return "not kept" if share is None else f"{share:.1%}"
