"""What budgets are charged for tokens whose price is not known; the ledger stays without a price."""

from dataclasses import dataclass
from decimal import Decimal

from acron_site.lib.money import ZERO
from analytics.events import TokenCounts


@dataclass(frozen=True, slots=True)
class FallbackPrice:
    """USD per token. With both at 0 there is none, and a key with a budget cannot use a model without a price."""

    input: Decimal = ZERO
    output: Decimal = ZERO

    @property
    def is_set(self) -> bool:
        return self.input > 0 or self.output > 0

    def cost(self, tokens: TokenCounts) -> Decimal | None:
        if not self.is_set:
            return None
        return tokens.total_input * self.input + tokens.total_output * self.output


NONE = FallbackPrice()


def per_million(input_usd: Decimal, output_usd: Decimal) -> FallbackPrice:
    """From prices as the settings give them."""
    return FallbackPrice(input_usd.scaleb(-6), output_usd.scaleb(-6))
