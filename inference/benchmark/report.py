"""What a report says, as values: figures with their intervals, tables, plots, conditions and limits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from acron_site.lib import money

Number = Decimal | float | int


class Unit(StrEnum):
    USD = "usd"
    SHARE = "share"
    MILLISECONDS = "ms"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `low` and `high` are its interval, or what assumptions leave open; None: not known."""

    name: str  # for scripts
    label: str
    value: Number | None
    unit: Unit
    low: Number | None = None
    high: Number | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of a waterfall, from one amount to another. Totals begin at nothing."""

    label: str
    begin: Decimal
    end: Decimal
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Waterfall:
    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Points joined by a line, or alone."""

    label: str
    points: tuple[tuple[float, float], ...]
    is_line: bool = True


@dataclass(frozen=True, slots=True)
class Curves:
    """`x_unit` and `y_unit` say how the axes are written."""

    title: str
    x_label: str
    y_label: str
    x_unit: Unit
    y_unit: Unit
    series: tuple[Series, ...]


Plot = Waterfall | Curves


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """`limits`: what it does not show, in plain words. `conditions`: under which it was made.

    `headlines` names the figures that are shown large.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]
    limits: tuple[str, ...]
    conditions: Mapping[str, str]
    headlines: tuple[str, ...] = ()

    @property
    def figures(self) -> Iterator[Figure]:
        for section in self.sections:
            yield from section.figures


def document(report: Report) -> dict[str, Any]:
    """For scripts. Amounts are exact, as texts."""
    return {
        "title": report.title,
        "lead": report.lead,
        "figures": {figure.name: _figure(figure) for figure in report.figures},
        "tables": [_table(table) for section in report.sections for table in section.tables],
        "plots": [_plot(plot) for section in report.sections for plot in section.plots],
        "notes": [text for section in report.sections for text in section.text],
        "limits": list(report.limits),
        "conditions": dict(report.conditions),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    known = {"value": figure.value, "low": figure.low, "high": figure.high}
    shown = {name: None if value is None else _number(value) for name, value in known.items()}
    return {"label": figure.label, "unit": figure.unit.value, **shown, "note": figure.note}


def _number(value: Number) -> str | float | int:
    return money.to_text(value) if isinstance(value, Decimal) else value


def _table(table: Table) -> dict[str, Any]:
    return {"caption": table.caption, "columns": list(table.columns), "rows": [list(row) for row in table.rows]}


def _plot(plot: Plot) -> dict[str, Any]:
    if isinstance(plot, Waterfall):
        steps = [{"label": each.label, "from": _number(each.begin), "to": _number(each.end)} for each in plot.steps]
        return {"title": plot.title, "steps": steps}
    series = [{"label": each.label, "points": [list(point) for point in each.points]} for each in plot.series]
    return {"title": plot.title, "x": plot.x_label, "y": plot.y_label, "series": series}
