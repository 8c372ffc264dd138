"""Plots as SVG within a page: no script, colours from the page, each with words for who does not see it."""

import math
from collections.abc import Iterator
from decimal import Decimal
from html import escape

from inference.benchmark import wording
from inference.benchmark.report import Curves, Plot, Series, Step, Unit, Waterfall

# narrow, so that letters can be read on a telephone too
_WIDTH, _HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 20, 12, 50
_ROW, _BAR = 34, 18
_LABEL_WIDTH, _VALUE_WIDTH = 186, 100
_TICKS = 5
_ROUND = (1, 2, 2.5, 5, 10)
_KINDS = 6  # colours of series in the page's style


def svg(plot: Plot, number: int) -> str:
    """`number` keeps the ids of a page apart."""
    return _waterfall(plot, number) if isinstance(plot, Waterfall) else _curves(plot, number)


def told(plot: Plot) -> str:
    """The plot in words."""
    if isinstance(plot, Waterfall):
        return "; ".join(f"{step.label}: {_amount(step)}" for step in plot.steps)
    return "; ".join(f"{each.label}: {len(each.points)} points" for each in plot.series)


def _waterfall(plot: Waterfall, number: int) -> str:
    room = _WIDTH - _LABEL_WIDTH - _VALUE_WIDTH
    ends = [end for step in plot.steps for end in (step.begin, step.end)]
    low, high = min([*ends, Decimal(0)]), max([*ends, Decimal(0)])
    scale = Decimal(room) / (high - low or 1)
    parts = []
    for place, step in enumerate(plot.steps):
        begin, end = sorted((step.begin, step.end))
        x, width = _LABEL_WIDTH + (begin - low) * scale, max((end - begin) * scale, Decimal(1))
        y = place * _ROW + 8
        parts.append(
            f'<text class="label" x="{_LABEL_WIDTH - 8}" y="{y + 14}" text-anchor="end">{escape(step.label)}</text>'
            f'<rect class="{_kind(step)}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
            f'<text x="{x + width + 6:.1f}" y="{y + 14}">{_amount(step)}</text>'
        )
    return _framed(plot, number, len(plot.steps) * _ROW + 8, "".join(parts))


def _kind(step: Step) -> str:
    if step.is_total:
        return "total"
    return "saving" if step.end <= step.begin else "loss"


def _amount(step: Step) -> str:
    return wording.number(step.end - step.begin, Unit.USD)


def _curves(plot: Curves, number: int) -> str:
    points = [point for series in plot.series for point in series.points]
    axes = _Axes.around(points)
    drawn = [*_grid(plot, axes), *(_series(each, axes, kind) for kind, each in enumerate(plot.series))]
    return _framed(plot, number, _HEIGHT, "".join(drawn))


class _Axes:
    """From what is measured to where it is drawn."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.x, self.y = x, y

    @classmethod
    def around(cls, points: list[tuple[float, float]]) -> "_Axes":
        return cls(_spread([x for x, _ in points]), _spread([y for _, y in points]))

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)


def _spread(values: list[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return (0.0 if 0 <= low < (high - low) else low - margin), high + margin


def _grid(plot: Curves, axes: _Axes) -> Iterator[str]:
    for y in _ticks(*axes.y):
        _, level = axes.at(axes.x[0], y)
        yield f'<line class="grid" x1="{_LEFT}" y1="{level:.1f}" x2="{_WIDTH - _RIGHT}" y2="{level:.1f}"/>'
        yield f'<text x="{_LEFT - 6}" y="{level + 4:.1f}" text-anchor="end">{_tick(y, plot.y_unit)}</text>'
    for x in _ticks(*axes.x):
        across, _ = axes.at(x, axes.y[0])
        yield f'<text x="{across:.1f}" y="{_HEIGHT - _BOTTOM + 19}" text-anchor="middle">{_tick(x, plot.x_unit)}</text>'
    yield f'<text class="label" x="{_LEFT}" y="{_HEIGHT - 6}">{escape(plot.x_label)}</text>'


def _ticks(low: float, high: float) -> Iterator[float]:
    """Round numbers between two ends."""
    rough = (high - low) / _TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(each * magnitude for each in _ROUND if each * magnitude >= rough)
    for place in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield place * step


def _tick(value: float, unit: Unit) -> str:
    if unit is Unit.SHARE:
        return f"{100 * value:.4g}%"
    return f"${value:.4g}" if unit is Unit.USD else f"{value:,.4g}"


def _series(series: Series, axes: _Axes, kind: int) -> str:
    places = [axes.at(x, y) for x, y in series.points]
    colour = f"series-{kind % _KINDS}"
    if series.is_line and len(places) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        return f'<polyline class="line {colour}" points="{path}"/>'
    return "".join(f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>' for x, y in places)


def legend(plot: Curves) -> str:
    entries = (
        f'<li><span class="{"key" if each.is_line else "key point"} series-{kind % _KINDS}"></span>'
        f"{escape(each.label)}</li>"
        for kind, each in enumerate(plot.series)
    )
    return f'<p class="axis">{escape(plot.y_label)}</p><ul class="legend">{"".join(entries)}</ul>'


def _framed(plot: Plot, number: int, height: int, content: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="plot-{number}-title plot-{number}-told">'
        f'<title id="plot-{number}-title">{escape(plot.title)}</title>'
        f'<desc id="plot-{number}-told">{escape(told(plot))}</desc>{content}</svg>'
    )
