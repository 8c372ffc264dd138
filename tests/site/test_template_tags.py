"""How times, money, shares and code are shown."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.utils import timezone as django_timezone

from acron_site.templatetags import acron


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0.00"),
        ("12", "$12.00"),
        ("1234567.891", "$1,234,567.89"),
        ("0.01", "$0.01"),
        ("0.0099", "$0.0099"),
        ("0.000908", "$0.0009"),
        ("0.0000454", "$0.000045"),
        ("0.0000004", "< $0.000001"),
        ("-0.0000004", "> -$0.000001"),
        ("-3.5", "-$3.50"),
    ],
)
def test_money_shows_its_unit_and_small_amounts_in_full(amount, shown):
    assert acron.usd(Decimal(amount)) == shown


def test_what_is_not_known_is_not_shown_as_nothing():
    assert (acron.usd(None), acron.moment(None)) == ("", "")


def test_a_time_is_shown_in_the_viewers_zone_and_exact_in_utc():
    moment = datetime(2026, 11, 24, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))

    with django_timezone.override("America/New_York"):
        shown = acron.moment(moment)

    assert shown == (
        '<time datetime="2026-11-24T01:04:05+00:00" title="2026-11-24 01:04:05 UTC">'
        "<span>2026-11-23</span> <span>20:04 EST</span></time>"
    )


def test_without_a_zone_it_is_utc():
    assert "<span>03:04 UTC</span></time>" in acron.moment(datetime(2026, 11, 24, 3, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0\xa0%"), (0.00412, "0.41\xa0%"), (0.0999, "9.99\xa0%"), (0.5, "50.0\xa0%"), (1.0, "100.0\xa0%"), (None, "")],
)
def test_small_shares_are_shown_more_exactly(share, shown):
    assert acron.percent(share) == shown


@pytest.mark.parametrize(
    ("hours", "words"),
    [(-50, "2\xa0days ago"), (0, "just now"), (0.01, "in less than a minute"), (50, "in 2\xa0days")],
)
def test_what_is_near_is_shown_by_how_near_it_is(hours, words):
    moment = django_timezone.now() + timedelta(hours=hours)

    assert f"<span>{words}</span></time>" in acron.relative(moment)
    assert f'title="{moment:%Y-%m-%d %H:%M:%S} UTC"' in acron.relative(moment)


def test_code_is_shown_as_it_is_and_never_run():
    shown = acron.copyable("<script>&", 'a "label"')

    assert "<code>&lt;script&gt;&amp;</code>" in shown
    assert 'aria-label="a &quot;label&quot;"' in shown


def test_an_icon_says_nothing_to_a_screen_reader():
    assert 'aria-hidden="true"' in acron.icon("users")
