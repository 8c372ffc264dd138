"""How days of a week and hours of a day differ from each other, as far as the numbers prove it."""

import numpy as np

from analytics.forecasting.series import Numbers

WEEK = 7
# an average of deviations from a median comes to the standard deviation of normal noise
_DEVIATION = 1.4826
# a median varies this much more than a mean does
_OF_MEDIAN = np.pi / 2
_LEAST_ROWS = 2


def profile(logs: Numbers, per_day: int) -> Numbers:
    """Of a week, step by step, beginning with the step that follows the last of `logs`.

    Hours of the day first, then days of the week, then single hours of the week: each takes only what the
    coarser ones left.
    """
    hours = shrunk(_rows(logs, per_day)) if per_day > 1 else np.zeros(1)
    rest = logs - backwards(hours, logs.size)
    days = shrunk(_rows(_medians(_rows(rest, per_day)), WEEK))
    whole = np.tile(hours, WEEK) + np.repeat(days, per_day)
    if per_day == 1:
        return whole
    rest = logs - backwards(whole, logs.size)
    return whole + shrunk(_rows(rest, WEEK * per_day))


def backwards(season: Numbers, count: int) -> Numbers:
    """The season over the `count` steps that it was taken from."""
    times = -(-count // season.size)
    return np.tile(season, times)[season.size * times - count :]


def shrunk(rows: Numbers) -> Numbers:
    """What columns differ by, drawn towards nothing as far as chance alone would make them differ.

    With `t` the variance between columns and `n` that of a column's median, a column keeps t / (t + n) of its
    difference (James and Stein 1961; empirical Bayes).
    """
    if rows.shape[0] < _LEAST_ROWS:
        return np.zeros(rows.shape[1])
    rows = rows - _medians(rows)[:, None]
    seen = np.sum(~np.isnan(rows), axis=0)
    found, proven = np.nan_to_num(_medians(rows.T)), seen >= _LEAST_ROWS
    if not proven.any():
        return np.zeros(rows.shape[1])
    noise = _noise(rows - found, seen)
    between = max(0.0, float(np.mean(found[proven] ** 2 - noise[proven])))
    kept = np.where(proven, between / (between + noise + 1e-12), 0.0)
    return kept * found


def _noise(rests: Numbers, counts: Numbers) -> Numbers:
    """The variance of each column's median."""
    rows = max(_LEAST_ROWS, float(np.median(counts)))
    spread = _DEVIATION * float(_medians(np.abs(rests).reshape(1, -1))[0])
    return np.asarray(spread**2 * rows / (rows - 1) * _OF_MEDIAN / np.maximum(counts, 1), dtype=np.float64)


def _rows(values: Numbers, width: int) -> Numbers:
    """One season a row, the last row ending with the last value; a row that is not whole is left out."""
    whole = values.size // width
    return values[values.size - whole * width :].reshape(whole, width)


def _medians(rows: Numbers) -> Numbers:
    """Of each row, without its gaps; NaN for a row of gaps. Several times as fast as numpy's `nanmedian`."""
    ordered, lines = np.sort(rows, axis=1), np.arange(rows.shape[0])
    counts = np.sum(~np.isnan(rows), axis=1)
    lower, upper = np.maximum(counts - 1, 0) // 2, counts // 2
    middle: Numbers = (ordered[lines, lower] + ordered[lines, upper]) / 2
    return middle
