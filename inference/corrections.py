"""What a corrected price means for one row of the ledger: differences, never a new history."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from acron_site.lib.money import ZERO
from analytics.events import CostStatus, EventKind
from analytics.selectors import Adjustment, Inference
from inference import accounting, pricing
from inference.accounting import difference
from inference.domain import Usage
from inference.prices import PriceSheet


@dataclass(frozen=True, slots=True)
class Correction:
    """A model's right prices for a span of time. `others`: versions by which other models' tokens were priced."""

    model: str
    sheet: PriceSheet
    reason: str
    others: frozenset[str] = frozenset()

    def of(self, row: Inference, *, now: datetime) -> Adjustment | None:
        """None where nothing changes, or where the new prices do not tell what the row would cost."""
        old = _Figures.of(row)
        new = self._repriced(row, old)
        if new is None or new == old:
            return None
        return Adjustment(
            amount_usd=_change(old.cost, new.cost),
            baseline_usd=_change(old.baseline, new.baseline),
            saved_usd=_change(old.saved, new.saved),
            prompt_cache_saved_usd=_change(old.prompt_cache_saved, new.prompt_cache_saved),
            old_price_version=row.price_version,
            new_price_version=self.sheet.version,
            reason=self.reason,
            created_at=now,
        )

    def was_made(self, row: Inference) -> bool:
        """Whether the row was adjusted to these prices before; it is not a second time."""
        return any(each.new_price_version == self.sheet.version for each in row.adjustments)

    def _repriced(self, row: Inference, old: "_Figures") -> "_Figures | None":
        usage, prices = usage_of(row), self.sheet
        cost, cached = old.cost, old.prompt_cache_saved
        if self._priced(row):
            cost = pricing.cost(usage, prices).amount
            if cost is None:
                return None
            if row.kind is not EventKind.OVERHEAD:
                cached = difference(pricing.cost(accounting.without_prompt_cache(usage), prices).amount, cost)
        baseline = old.baseline
        if self._is_baseline_of(row):
            baseline = pricing.cost(accounting.plain(usage), prices).amount
        if row.kind is EventKind.OVERHEAD:
            return _Figures(cost, baseline, None if cost is None else -cost, cached)
        saved = difference(baseline, cost)
        return _Figures(cost, baseline, old.saved if saved is None else saved, cached)

    def _priced(self, row: Inference) -> bool:
        """What was free (our own hit, a test key's answer, a refused call) stays so."""
        is_own = row.model == self.model and row.price_version not in self.others
        return is_own and row.cost_status is not CostStatus.FREE

    def _is_baseline_of(self, row: Inference) -> bool:
        """A test key's answers are free and stand against nothing."""
        is_test = row.cost_status is CostStatus.FREE and not row.baseline_cost_usd
        return row.baseline_model == self.model and not is_test


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the sums say of a row today: as it was written, and adjusted since."""

    cost: Decimal | None
    baseline: Decimal | None
    saved: Decimal | None
    prompt_cache_saved: Decimal | None

    @classmethod
    def of(cls, row: Inference) -> "_Figures":
        saved = row.saved_usd
        if row.kind is EventKind.OVERHEAD and row.cost_usd is not None:
            saved = -row.cost_usd  # the sums take it off
        made = row.adjustments
        return cls(
            row.adjusted_cost_usd,
            _adjusted(row.baseline_cost_usd, [each.baseline_usd for each in made]),
            _adjusted(saved, [each.saved_usd for each in made]),
            _adjusted(row.prompt_cache_saved_usd, [each.prompt_cache_saved_usd for each in made]),
        )


def usage_of(row: Inference) -> Usage:
    """Everything that set the row's price."""
    return Usage(
        tokens=row.tokens,
        service_tier=row.service_tier,
        speed=row.speed,
        geography=row.geography,
        flag=row.usage_flag,
        is_estimate=row.cost_status is CostStatus.ESTIMATED,
    )


def _adjusted(amount: Decimal | None, changes: list[Decimal]) -> Decimal | None:
    return amount if amount is None and not any(changes) else sum(changes, amount or ZERO)


def _change(old: Decimal | None, new: Decimal | None) -> Decimal:
    return (new or ZERO) - (old or ZERO)
