"""How numbers are written for people."""

from decimal import Decimal

from inference.benchmark.report import Figure, Number, Unit

_CENTS_FROM = 1  # dollars; below, smaller parts matter
_WHOLE_MS_FROM = 10
UNKNOWN = "not known"


def dollars(amount: Number) -> str:
    """Cents for whole dollars; four figures that count for less."""
    sign, size = ("-" if amount < 0 else ""), abs(Decimal(amount))
    if not size or size >= _CENTS_FROM:
        return f"{sign}${size:,.2f}"
    places = max(2, 3 - size.adjusted())
    return f"{sign}${size:,.{min(places, 9)}f}"


def number(value: Number | None, unit: Unit) -> str:
    if value is None:
        return UNKNOWN
    if unit is Unit.USD:
        return dollars(value)
    if unit is Unit.SHARE:
        return f"{value:.1%}"
    if unit is Unit.MILLISECONDS:
        return f"{value:,.0f} ms" if value >= _WHOLE_MS_FROM else f"{value:.2f} ms"
    return f"{value:,}"


def span(figure: Figure) -> str:
    """Its interval; empty where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{number(figure.low, figure.unit)} to {number(figure.high, figure.unit)}"
