"""A report as plain text, for a terminal."""

import textwrap
from collections.abc import Iterator

from inference.benchmark import wording
from inference.benchmark.report import Figure, Report, Section, Step, Table, Unit, Waterfall

_WIDTH = 100
_BAR = 40


def text(report: Report) -> str:
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from (report.title, "=" * len(report.title), *_wrapped(report.lead))
    for section in report.sections:
        yield from ("", section.title, "-" * len(section.title), *_section(section))
    yield from ("", "What this does not show", "-----------------------")
    for limit in report.limits:
        yield from _wrapped(limit, bullet="* ")
    yield from ("", "Conditions", "----------")
    for name, value in report.conditions.items():
        yield from _wrapped(f"{name}: {value}", bullet="  ")


def _section(section: Section) -> Iterator[str]:
    for paragraph in section.text:
        yield from _wrapped(paragraph)
    width = max((len(figure.label) for figure in section.figures), default=0)
    for figure in section.figures:
        yield from _figure(figure, width)
    for plot in section.plots:
        if isinstance(plot, Waterfall):
            yield from ("", plot.title, *_bars(plot.steps))
    for table in section.tables:
        yield from ("", *_wrapped(table.caption), *_table(table))


def _figure(figure: Figure, width: int) -> Iterator[str]:
    span = wording.span(figure)
    value = wording.number(figure.value, figure.unit) if figure.value is not None or not span else span
    beside = f"  ({span})" if span and span != value else ""
    yield f"  {figure.label:<{width}}  {value}{beside}"
    if figure.note:
        yield from _wrapped(figure.note, bullet=" " * (width + 4))


def _bars(steps: tuple[Step, ...]) -> Iterator[str]:
    most = max((max(step.begin, step.end) for step in steps), default=0) or 1
    width = max((len(step.label) for step in steps), default=0)
    for step in steps:
        low, high = sorted((step.begin, step.end))
        begin, end = (max(0, round(_BAR * amount / most)) for amount in (low, high))
        bar = " " * begin + ("█" if step.is_total else "▒") * max(end - begin, 1)
        yield f"  {step.label:<{width}}  {bar:<{_BAR + 1}} {wording.number(step.end - step.begin, Unit.USD)}"


def _table(table: Table) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True)]
    for row in (table.columns, tuple("-" * width for width in widths), *table.rows):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _wrapped(said: str, *, bullet: str = "") -> list[str]:
    return textwrap.wrap(
        said, _WIDTH, initial_indent=bullet, subsequent_indent=" " * len(bullet), break_long_words=False
    )
