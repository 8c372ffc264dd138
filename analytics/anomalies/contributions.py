"""Which members of a dimension (models, keys, tasks) a change comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from acron_site.lib.money import ZERO

OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Contribution:
    """`share` is of the whole change; None where the whole did not change. Shares of those that fell are below 0."""

    member: str
    before: Decimal
    after: Decimal
    share: Decimal | None

    @property
    def change(self) -> Decimal:
        return self.after - self.before


def contributions(
    before: Mapping[str, Decimal], after: Mapping[str, Decimal], *, most: int = 10
) -> tuple[Contribution, ...]:
    """The largest first; what `most` leaves out stands last as OTHERS, so that all changes sum to the whole one."""
    members = {member: (before.get(member, ZERO), after.get(member, ZERO)) for member in {*before, *after}}
    change = sum(after.values(), ZERO) - sum(before.values(), ZERO)
    ordered = sorted(members, key=lambda member: (-abs(members[member][1] - members[member][0]), member))
    found = [_contribution(member, *members[member], change) for member in ordered[:most]]
    rest = [members[member] for member in ordered[most:]]
    if rest:
        spent, spends = (sum(column, ZERO) for column in zip(*rest, strict=True))
        found.append(_contribution(OTHERS, spent, spends, change))
    return tuple(found)


def by_dimension(
    before: Mapping[str, Mapping[str, Decimal]], after: Mapping[str, Mapping[str, Decimal]], *, most: int = 10
) -> dict[str, tuple[Contribution, ...]]:
    """The same of several dimensions, the one first whose single largest member explains most of the change."""
    found = {
        dimension: contributions(before.get(dimension, {}), after.get(dimension, {}), most=most)
        for dimension in {*before, *after}
    }
    return dict(sorted(found.items(), key=lambda item: (-_largest(item[1]), item[0])))


def _largest(parts: tuple[Contribution, ...]) -> Decimal:
    return max((abs(part.change) for part in parts if part.member != OTHERS), default=ZERO)


def _contribution(member: str, before: Decimal, after: Decimal, change: Decimal) -> Contribution:
    return Contribution(member, before, after, (after - before) / change if change else None)
