"""How many injected anomalies are found, and how often there is a false alarm."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from analytics.anomalies import detection
from analytics.anomalies.detection import Direction, Finding
from analytics.forecasting.evaluation import Named, by_name
from analytics.forecasting.series import Series

# what a step is multiplied by
FACTORS = (1.5, 2.0, 3.0, 0.25)
# one injection in so many days, so that each is judged beside ordinary ones
_APART_DAYS = 10
_LEARNING_DAYS = 28
# of the median step: less is nobody's worry
_LEAST_EFFECT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Row:
    """`alarms` are false where the series was generated; in a recorded one nobody knows. None: too short."""

    name: str
    judged: int
    alarms: int | None
    injected: int
    found: tuple[int, ...]  # one for each of FACTORS


def rows(named: Iterable[Named], *, seed: int) -> Iterator[Row]:
    """One for each name, summed over its series."""
    for name, series in by_name(named).items():
        yield _sum([_row(name, each, seed + number) for number, each in enumerate(series)])


def _sum(parts: list[Row]) -> Row:
    known = [part for part in parts if part.alarms is not None]
    if not known:
        return parts[0]
    return Row(
        name=known[0].name,
        judged=sum(part.judged for part in known),
        alarms=sum(part.alarms or 0 for part in known),
        injected=sum(part.injected for part in known),
        found=tuple(sum(counts) for counts in zip(*(part.found for part in known), strict=True)),
    )


def _row(name: str, series: Series, seed: int) -> Row:
    places = _places(series, seed)
    judged = max(0, len(series.values) - _LEARNING_DAYS * series.per_day)
    ordinary = [_findings(series, direction) for direction in Direction]
    if not places or any(found is None for found in ordinary):
        return Row(name, judged, None, 0, ())
    alarms = sum(len(found) for found in ordinary if found is not None)
    return Row(name, judged, alarms, len(places), tuple(_found(series, places, factor) for factor in FACTORS))


def _places(series: Series, seed: int) -> list[int]:
    random = np.random.default_rng(seed)
    apart = _APART_DAYS * series.per_day
    begins = range(_LEARNING_DAYS * series.per_day, len(series.values) - apart // 2, apart)
    places = [begin + int(random.integers(apart // 2)) for begin in begins]
    return [place for place in places if series.values[place]]


def _found(series: Series, places: list[int], factor: float) -> int:
    """How many of the places, all multiplied, lie in a finding."""
    values = [
        value * factor if value is not None and index in places else value for index, value in enumerate(series.values)
    ]
    direction = Direction.UP if factor > 1 else Direction.DOWN
    findings = _findings(replace(series, values=tuple(values)), direction) or ()
    return sum(any(each.start <= series.at(place) < each.end for each in findings) for place in places)


def _findings(series: Series, direction: Direction) -> tuple[Finding, ...] | None:
    known = [value for value in series.values if value is not None]
    least = _LEAST_EFFECT_SHARE * float(np.median(known))
    found = detection.detect(series, direction=direction, least_effect=least)
    return found if isinstance(found, tuple) else None
