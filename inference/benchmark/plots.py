"""Plots as SVG within a page: no script, colours from the page, each with words for who does not see it."""

from collections.abc import Iterator
from decimal import Decimal
from html import escape

from inference.benchmark import wording
from inference.benchmark.report import Curves, Plot, Series, Step, Unit, Waterfall

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 12, 44
_ROW, _BAR = 34, 18
_LABEL_WIDTH, _VALUE_WIDTH = 190, 100
_TICKS = 4
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
    for step in range(_TICKS + 1):
        x = axes.x[0] + (axes.x[1] - axes.x[0]) * step / _TICKS
        y = axes.y[0] + (axes.y[1] - axes.y[0]) * step / _TICKS
        left, level = axes.at(x, y)
        yield f'<line class="grid" x1="{_LEFT}" y1="{level:.1f}" x2="{_WIDTH - _RIGHT}" y2="{level:.1f}"/>'
        yield f'<text x="{_LEFT - 6}" y="{level + 4:.1f}" text-anchor="end">{wording.number(y, plot.y_unit)}</text>'
        anchor = "end" if step == _TICKS else "middle"
        yield (
            f'<text x="{left:.1f}" y="{_HEIGHT - _BOTTOM + 17}" text-anchor="{anchor}">'
            f"{wording.number(x, plot.x_unit)}</text>"
        )
    yield f'<text class="label" x="{_LEFT}" y="{_HEIGHT - 6}">{escape(plot.x_label)}</text>'


def _series(series: Series, axes: _Axes, kind: int) -> str:
    places = [axes.at(x, y) for x, y in series.points]
    colour = f"series-{kind % _KINDS}"
    if series.is_line and len(places) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        return f'<polyline class="line {colour}" points="{path}"/>'
    return "".join(f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>' for x, y in places)


def legend(plot: Curves) -> str:
    entries = (
        f'<li><span class="key {"" if each.is_line else "point "}series-{kind % _KINDS}"></span>{escape(each.label)}</li>'
        for kind, each in enumerate(plot.series)
    )
    return f'<p class="axis">{escape(plot.y_label)}</p><ul class="legend">{"".join(entries)}</ul>'


def _framed(plot: Plot, number: int, height: int, content: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="plot-{number}-title plot-{number}-told">'
        f'<title id="plot-{number}-title">{escape(plot.title)}</title>'
        f'<desc id="plot-{number}-told">{escape(told(plot))}</desc>{content}</svg>'
    )
