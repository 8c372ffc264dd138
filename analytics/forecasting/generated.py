"""Series made from a seed, whose truth is known."""

from datetime import UTC, datetime, timedelta

import numpy as np

from analytics.forecasting.series import DAY, HOUR, Numbers, Series

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
_WEEKDAYS = np.array([1.15, 1.2, 1.2, 1.15, 1.0, 0.35, 0.3])
_HOURS = 0.25 + np.sin(np.pi * np.arange(24) / 24) ** 2
_USUAL = 120.0


def days(kind: str, *, count: int, seed: int) -> Series:
    """Of one of KINDS."""
    random = np.random.default_rng(seed)
    step = np.arange(count, dtype=np.float64)
    return _series(_KINDS[kind](step, random), DAY)


def hours(*, count: int, seed: int) -> Series:
    """Hours of the day and days of the week, with noise of a fifth."""
    random = np.random.default_rng(seed)
    step = np.arange(count)
    expected = _USUAL / 24 * _HOURS[step % 24] * _WEEKDAYS[step // 24 % 7]
    return _series(expected * np.exp(random.normal(0, 0.2, count)), HOUR)


def _series(values: Numbers, step: timedelta) -> Series:
    return Series(START, step, tuple(round(float(value), 6) for value in values))


def _week(step: Numbers) -> Numbers:
    found: Numbers = _USUAL * _WEEKDAYS[step.astype(np.intp) % 7]
    return found


def _weekly(step: Numbers, random: np.random.Generator) -> Numbers:
    return _week(step) * np.exp(random.normal(0, 0.15, step.size))


def _growing(step: Numbers, random: np.random.Generator) -> Numbers:
    return _weekly(step, random) * 1.012**step


def _level_shift(step: Numbers, random: np.random.Generator) -> Numbers:
    return _weekly(step, random) * np.where(step < step.size * 0.6, 1.0, 2.0)


def _noise_alone(step: Numbers, random: np.random.Generator) -> Numbers:
    return _USUAL * np.exp(random.normal(0, 0.3, step.size))


def _heavy_tails(step: Numbers, random: np.random.Generator) -> Numbers:
    return _week(step) * np.exp(0.15 * random.standard_t(3, step.size))


def _wandering(step: Numbers, random: np.random.Generator) -> Numbers:
    return _USUAL * np.exp(np.cumsum(random.normal(0, 0.1, step.size)))


_KINDS = {
    "weekly": _weekly,
    "weekly, growing": _growing,
    "weekly, doubles once": _level_shift,
    "noise alone": _noise_alone,
    "weekly, heavy tails": _heavy_tails,
    "wandering": _wandering,
}
KINDS: tuple[str, ...] = tuple(_KINDS)
