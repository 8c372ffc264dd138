"""A report is the same in all its forms, and its page needs nothing and believes nobody."""

import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from inference.benchmark import report, report_html, report_text, wording
from inference.benchmark.report import Curves, Figure, Report, Section, Series, Step, Table, Unit, Waterfall

EVIL = "<script>alert('x')</script>"


def a_report(label: str = "Cost saved") -> Report:
    steps = (
        Step("all", Decimal(0), Decimal(10), is_total=True),
        Step(label, Decimal(10), Decimal(4)),
        Step("overhead", Decimal(4), Decimal(5)),
        Step("paid", Decimal(0), Decimal(5), is_total=True),
    )
    curve = Curves(
        "Curve",
        label,
        "y",
        Unit.SHARE,
        Unit.USD,
        (Series(label, ((0.0, 1.0), (1.0, 2.0))), Series("one", ((0.5, 1.5),), is_line=False)),
    )
    section = Section(
        "Cost",
        text=(label,),
        figures=(
            Figure(
                "saved_usd", label, Decimal("0.000123456789"), Unit.USD, Decimal("0.0001"), Decimal("0.0002"), label
            ),
            Figure("range_usd", "Range", None, Unit.USD, Decimal(1), Decimal(2)),
            Figure("unknown", "Unknown", None, Unit.SHARE),
        ),
        tables=(Table(label, ("a", "b"), ((label, "1"),)),),
        plots=(Waterfall(label, steps), curve),
    )
    return Report(label, label, (section,), (label,), {"command": label}, headlines=("saved_usd",))


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in ("meta", "rect", "line", "circle", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    return parser


def test_the_page_stands_alone():
    page = report_html.page(a_report())
    found = seen(page)

    assert found.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert not re.search(r"https?://|url\(|@import", page)
    assert "default-src 'none'" in page


def test_every_plot_has_words_for_who_does_not_see_it():
    page = report_html.page(a_report())
    found = seen(page)

    assert page.count('role="img"') == page.count("</desc>") == 2
    assert len(set(found.ids)) == len(found.ids)
    assert all(
        name in found.ids for labels in re.findall(r'aria-labelledby="([^"]+)"', page) for name in labels.split()
    )


def test_what_others_wrote_is_shown_and_never_run():
    page = report_html.page(a_report(EVIL))

    assert EVIL not in page
    assert "script" not in seen(page).tags
    assert "&lt;script&gt;" in page


def test_amounts_stay_exact_for_scripts():
    document = report.document(a_report())

    assert document["figures"]["saved_usd"]["value"] == "0.000123456789"
    assert document["figures"]["range_usd"] == {
        "label": "Range",
        "unit": "usd",
        "value": None,
        "low": "1",
        "high": "2",
        "note": "",
    }
    assert document["plots"][0]["steps"][1] == {"label": "Cost saved", "from": "10", "to": "4"}


def test_the_text_has_every_figure_limit_and_condition():
    said = report_text.text(a_report())

    assert "Cost saved  $0.0001235  ($0.0001000 to $0.0002000)" in said
    assert "Range       $1.00 to $2.00" in said
    assert "Unknown     not known" in said
    assert "* Cost saved" in said
    assert "  command: Cost saved" in said
    assert "-$6.00" in said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (Decimal("1234.567"), Unit.USD, "$1,234.57"),
        (Decimal(0), Unit.USD, "$0.00"),
        (Decimal("-0.5"), Unit.USD, "-$0.5000"),
        (Decimal("0.00000000001"), Unit.USD, "$0.000000000"),
        (0.1234, Unit.SHARE, "12.3%"),
        (1234.5, Unit.MILLISECONDS, "1,234 ms"),
        (0.5, Unit.MILLISECONDS, "0.50 ms"),
        (12345, Unit.COUNT, "12,345"),
    ],
)
def test_numbers_are_written_for_people(value, unit, said):
    assert wording.number(value, unit) == said


def test_nothing_measured_still_makes_a_page():
    empty = Curves("Curve", "x", "y", Unit.COUNT, Unit.USD, (Series("nothing", ()),))
    nothing = Report(
        "t", "l", (Section("s", plots=(empty, Waterfall("w", (Step("all", Decimal(0), Decimal(0)),)))),), (), {}
    )

    assert seen(report_html.page(nothing)).open == []
    assert report_text.text(nothing)
