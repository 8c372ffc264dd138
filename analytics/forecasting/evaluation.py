"""How good forecasts are, on series of files and on generated ones."""

import csv
import gzip
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import fmean

from acron_site.lib.errors import InvalidRequestError
from analytics.forecasting import generated, outlook
from analytics.forecasting.outlook import Errors, Forecast
from analytics.forecasting.series import DAY, HOUR, Series

DAYS_AHEAD, HOURS_AHEAD = 14, 24
GENERATED_DAYS, GENERATED_HOURS = 180, 24 * 42
_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Named:
    name: str
    series: Series


@dataclass(frozen=True, slots=True)
class Row:
    """Series of one name; `said` is the method for the first of them, or why there is none."""

    name: str
    steps: int
    ahead: int
    said: str
    errors: Errors | None = None
    total_errors: Errors | None = None


def rows(named: Iterable[Named]) -> Iterator[Row]:
    """One for each name, in the order of their first."""
    for name, series in by_name(named).items():
        ahead = DAYS_AHEAD if series[0].step == DAY else HOURS_AHEAD
        yield _row(name, series, ahead)


def by_name(named: Iterable[Named]) -> dict[str, list[Series]]:
    found: dict[str, list[Series]] = {}
    for each in named:
        found.setdefault(each.name, []).append(each.series)
    return found


def made(seed: int) -> list[Named]:
    """Series of which the truth is known."""
    days = [Named(kind, generated.days(kind, count=GENERATED_DAYS, seed=seed)) for kind in generated.KINDS]
    return [*days, Named("hours of a week", generated.hours(count=GENERATED_HOURS, seed=seed))]


def daily(path: Path) -> list[Named]:
    """Each column of a CSV file but `day`; days that are not there are gaps."""
    return [
        Named(f"{_stem(path)} {column}", _days(column_values))
        for column, column_values in _columns(path, "day").items()
    ]


def by_minutes(path: Path) -> list[Named]:
    """Each column of a CSV file but `minute`, averages of a second, summed to hours; minutes not there were quiet."""
    return [
        Named(f"{_stem(path)} {column} by hour", _hours(column_values))
        for column, column_values in _columns(path, "minute").items()
    ]


def _row(name: str, series: list[Series], ahead: int) -> Row:
    said = [outlook.forecast(each, horizon=ahead) for each in series]
    first, made = said[0], [each for each in said if isinstance(each, Forecast)]
    return Row(
        name,
        len(series[0].values),
        ahead,
        first.method if isinstance(first, Forecast) else first.reason,
        _mean([each.errors for each in made if each.errors]),
        _mean([each.total_errors for each in made if each.total_errors]),
    )


def _mean(errors: list[Errors]) -> Errors | None:
    """Each series counts the same."""
    if not errors:
        return None
    return Errors(
        compared=sum(each.compared for each in errors),
        mae=fmean(each.mae for each in errors),
        mape=_mean_of_known([each.mape for each in errors]),
        wape=_mean_of_known([each.wape for each in errors]),
        mase=_mean_of_known([each.mase for each in errors]),
        coverage80=fmean(each.coverage80 for each in errors),
        coverage95=fmean(each.coverage95 for each in errors),
    )


def _mean_of_known(figures: list[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return fmean(known) if known else None


def _days(values: Mapping[int, float]) -> Series:
    return _series(values, DAY)


def _hours(values: Mapping[int, float]) -> Series:
    sums = dict.fromkeys(range(max(values) // 60 + 1), 0.0)
    for minute, value in values.items():
        sums[minute // 60] += value * 60
    return _series(sums, HOUR)


def _series(values: Mapping[int, float], step: timedelta) -> Series:
    return Series(generated.START, step, tuple(values.get(index) for index in range(max(values) + 1)))


def _columns(path: Path, index: str) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    try:
        for line in _lines(path):
            step = int(line.pop(index))
            for column, value in line.items():
                found.setdefault(column, {})[_checked(step, index)] = _finite(value)
    except (OSError, EOFError, zlib.error, csv.Error, KeyError, TypeError, ValueError) as error:
        raise InvalidRequestError(f"{path} is no CSV file with a column {index!r} and numbers: {error}") from error
    if not found:
        raise InvalidRequestError(f"{path} holds no numbers; name a CSV file with a column {index!r}")
    return found


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        yield from csv.DictReader(file)


def _checked(step: int, index: str) -> int:
    most = _MOST_STEPS * (60 if index == "minute" else 1)
    if not 0 <= step < most:
        raise ValueError(f"{index} {step} is not from 0 to {most - 1}")
    return step


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def _stem(path: Path) -> str:
    return path.name.split(".")[0]
