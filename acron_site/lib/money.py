"""Dollars as exact decimals, and how they are written."""

from collections.abc import Iterable
from decimal import Decimal

ZERO = Decimal(0)


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; None when one of them is not known."""
    found = list(amounts)
    known = [amount for amount in found if amount is not None]
    return sum(known, ZERO) if len(known) == len(found) else None


def to_text(amount: Decimal) -> str:
    """The exact amount in plain notation, without exponent or trailing zeros: `0.0000025`, `12`, `0`."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
