"""Measures forecasts and the search for anomalies on recorded and on generated series."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from acron_site.lib.errors import AcronError
from analytics.anomalies import evaluation as anomalies
from analytics.forecasting import evaluation as forecasts
from analytics.forecasting.evaluation import Named
from analytics.forecasting.outlook import Errors

_SEED = 20261101


class Command(BaseCommand):
    help = "The rolling back-test of forecasts, the coverage of their bands, and what of injected anomalies is found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--daily", nargs="+", type=Path, default=[], metavar="FILE", help="CSV with a column day")
        parser.add_argument(
            "--minutes", nargs="+", type=Path, default=[], metavar="FILE", help="CSV with a column minute, of averages"
        )
        parser.add_argument("--seed", type=int, default=_SEED, help="of the generated series")
        parser.add_argument("--repeats", type=int, default=5, metavar="N", help="so many of each kind are generated")
        parser.add_argument("--recorded-only", action="store_true", help="only the series of files")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            recorded = [
                *(named for path in options["daily"] for named in forecasts.daily(path)),
                *(named for path in options["minutes"] for named in forecasts.by_minutes(path)),
            ]
        except AcronError as error:
            raise CommandError(str(error)) from error
        seeds = () if options["recorded_only"] else range(options["seed"], options["seed"] + options["repeats"])
        named = [*recorded, *(each for seed in seeds for each in forecasts.made(seed))]
        for line in (*_forecast_lines(named), "", *_anomaly_lines(named, options["seed"])):
            self.stdout.write(line)


def _forecast_lines(named: Iterable[Named]) -> Iterable[str]:
    yield (
        f"{'series':<44}{'steps':>6}{'ahead':>6}  {'method now':<28}{'WAPE':>7}{'MASE':>7}{'in 80 %':>9}{'in 95 %':>9}"
        f"   totals:{'WAPE':>7}{'in 80 %':>9}{'in 95 %':>9}"
    )
    for row in forecasts.rows(named):
        start = f"{row.name:<44}{row.steps:>6}{row.ahead:>6}  {row.said:<28}"
        if row.errors is None or row.total_errors is None:
            yield start
            continue
        yield start + (
            f"{_share(row.errors.wape):>7}{_number(row.errors.mase):>7}{_coverage(row.errors)}"
            f"{_share(row.total_errors.wape):>17}{_coverage(row.total_errors)}"
        )


def _anomaly_lines(named: Iterable[Named], seed: int) -> Iterable[str]:
    yield f"{'series':<44}{'judged':>8}{'alarms per 1,000':>18}{'injected':>10}" + "".join(
        f"{'x' + format(factor, 'g') + ' found':>14}" for factor in anomalies.FACTORS
    )
    for row in anomalies.rows(named, seed=seed):
        if row.alarms is None:
            yield f"{row.name:<44}{row.judged:>8}  not enough data"
            continue
        found = "".join(f"{count / row.injected:>14.0%}" for count in row.found)
        yield f"{row.name:<44}{row.judged:>8}{1000 * row.alarms / row.judged:>18.1f}{row.injected:>10}{found}"


def _coverage(errors: Errors) -> str:
    return f"{errors.coverage80:>9.0%}{errors.coverage95:>9.0%}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
