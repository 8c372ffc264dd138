"""The landing page's two answers: what changes in one's code, and what an exact cache would save."""

from collections.abc import Container
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django import forms

_CENT = Decimal("0.01")
_MONTHS = 12
_EXAMPLE = """\
from openai import OpenAI

client = OpenAI(
    base_url="{base_url}",
    api_key="ak_live_...",
)
"""


def example(base_url: str) -> str:
    """The one line that a program changes, with the address that this page was reached at."""
    return _EXAMPLE.format(base_url=base_url)


@dataclass(frozen=True, slots=True)
class Savings:
    """A month with the cache and without: a repeated request is answered from it, at no cost."""

    spend_usd: Decimal
    repeated_percent: Decimal

    @property
    def saved_usd(self) -> Decimal:
        return (self.spend_usd * self.repeated_percent / 100).quantize(_CENT, ROUND_HALF_UP)

    @property
    def left_usd(self) -> Decimal:
        return self.spend_usd - self.saved_usd

    @property
    def saved_in_a_year_usd(self) -> Decimal:
        return self.saved_usd * _MONTHS


class SavingsForm(forms.Form):
    """Works by GET: the answer has an address that can be sent to a colleague."""

    spend = forms.DecimalField(
        label="Model spend per month, in USD",
        min_value=0,
        max_value=100_000_000,
        decimal_places=2,
        initial=Decimal(2000),
        help_text="What the providers bill you today.",
    )
    repeated = forms.DecimalField(
        label="Share of repeated requests, in percent",
        min_value=0,
        max_value=100,
        decimal_places=1,
        initial=Decimal(20),
        help_text="Requests that were sent before with the same content and settings. "
        "Not known yet? The hit rate in GET /metrics tells it, once requests have come in.",
    )

    def savings(self) -> Savings | None:
        """Of what was sent; of the example before anything was sent; None where a number is wrong."""
        if not self.is_bound:
            return Savings(self.fields["spend"].initial, self.fields["repeated"].initial)
        if not self.is_valid():
            return None
        return Savings(self.cleaned_data["spend"], self.cleaned_data["repeated"])


def is_asked(parameters: Container[str]) -> bool:
    """Whether an address asks the calculator; campaign links bring parameters of their own."""
    return any(name in parameters for name in SavingsForm.base_fields)
