"""A report as one page of HTML that needs nothing else: no script, no font, no picture from outside."""

from collections.abc import Iterator
from html import escape
from itertools import count

from inference.benchmark import plots, wording
from inference.benchmark.page_style import STYLE
from inference.benchmark.report import Curves, Figure, Plot, Report, Section, Table

# whoever opens the file need not trust it: it may load and run nothing
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(report: Report) -> str:
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    title = escape(report.title)
    yield f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="lead">{escape(report.lead)}</p>"""
    yield from _headlines([each for each in report.figures if each.name in report.headlines])
    numbers = count(1)
    for section in report.sections:
        yield from _section(section, numbers)
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in report.limits)
    yield f'<section class="limits"><h2>What this does not show</h2><ul>{limits}</ul></section>'
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in _conditions(report))
    yield f'<section><h2>Conditions</h2><dl class="conditions">{rows}</dl></section>\n</main>\n</body>\n</html>'


def _conditions(report: Report) -> Iterator[tuple[str, str]]:
    yield from report.conditions.items()


def _headlines(figures: list[Figure]) -> Iterator[str]:
    tiles = "".join(
        f"<div><dt>{escape(each.label)}</dt><dd>{_value(each)}<small>{escape(_beside(each))}</small></dd></div>"
        for each in figures
    )
    if tiles:
        yield f'<dl class="tiles">{tiles}</dl>'


def _section(section: Section, numbers: Iterator[int]) -> Iterator[str]:
    yield f"<section><h2>{escape(section.title)}</h2>"
    yield from (f"<p>{escape(paragraph)}</p>" for paragraph in section.text)
    yield from (_plot(plot, next(numbers)) for plot in section.plots)
    if section.figures:
        yield _figures(section.figures)
    yield from (_table(table) for table in section.tables)
    yield "</section>"


def _plot(plot: Plot, number: int) -> str:
    beside = plots.legend(plot) if isinstance(plot, Curves) else ""
    return (
        f"<figure><figcaption>{escape(plot.title)}</figcaption>{beside}"
        f'<div class="plot" tabindex="0" role="group" aria-label="{escape(plot.title)}">'
        f"{plots.svg(plot, number)}</div></figure>"
    )


def _figures(figures: tuple[Figure, ...]) -> str:
    has_spans = any(map(wording.span, figures))
    columns = ("Figure", "Value", "Interval or range") if has_spans else ("Figure", "Value")
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(each.label)}{_note(each)}</th><td>{_cell(each)}</td>'
        + (f"<td>{escape(wording.span(each))}</td></tr>" if has_spans else "</tr>")
        for each in figures
    )
    return _scrolling("Figures", f'<table class="figures"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>')


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join(f"<tr>{_cells(row)}</tr>" for row in table.rows)
    caption = f"<caption>{escape(table.caption)}</caption>"
    return _scrolling(table.caption, f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


def _cells(row: tuple[str, ...]) -> str:
    first, *others = row
    return f'<th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in others)


def _scrolling(label: str, content: str) -> str:
    """Wide content scrolls within itself, by the keyboard too."""
    return f'<div class="scrolling" tabindex="0" role="group" aria-label="{escape(label)}">{content}</div>'


def _cell(figure: Figure) -> str:
    """Where only a range is known, its own column shows it."""
    return "-" if figure.value is None and wording.span(figure) else _value(figure)


def _value(figure: Figure) -> str:
    span = wording.span(figure)
    return escape(span if figure.value is None and span else wording.number(figure.value, figure.unit))


def _beside(figure: Figure) -> str:
    """The interval, unless it stands in the value's place."""
    return "" if figure.value is None else wording.span(figure)


def _note(figure: Figure) -> str:
    return f'<small class="note">{escape(figure.note)}</small>' if figure.note else ""
