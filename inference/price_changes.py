"""What differs between two lists of price sheets, figure by figure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inference import prices
from inference.prices import PriceSheet

_HEADLINES = ("standard.input", "standard.output")


class ChangeKind(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a sheet, by its place in the models file; prices per million tokens. None: not stated."""

    place: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Change:
    model: str
    kind: ChangeKind
    figures: tuple[Figure, ...] = ()

    def __str__(self) -> str:
        """One readable line."""
        if self.kind is ChangeKind.VANISHED:
            return f"{self.kind} {self.model}"
        if self.kind is ChangeKind.ADDED:
            stated = {figure.place: figure.new for figure in self.figures}
            shown = ", ".join(f"{place} {stated[place]}" for place in _HEADLINES if place in stated)
            return f"{self.kind} {self.model}: {shown} ({len(stated)} figures)"
        shown = ", ".join(f"{each.place} {each.old or 'none'} -> {each.new or 'none'}" for each in self.figures)
        return f"{self.kind} {self.model}: {shown}"


@dataclass(frozen=True, slots=True)
class Differences:
    changes: tuple[Change, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def models(self) -> frozenset[str]:
        return frozenset(change.model for change in self.changes)


def between(held: Mapping[str, PriceSheet], wanted: Mapping[str, PriceSheet]) -> Differences:
    """What has to change for `held` to become `wanted`, by model."""
    changes = [change for model in sorted({*held, *wanted}) if (change := _change(model, held, wanted))]
    return Differences(tuple(changes), len(wanted) - sum(change.kind is not ChangeKind.VANISHED for change in changes))


def _change(model: str, held: Mapping[str, PriceSheet], wanted: Mapping[str, PriceSheet]) -> Change | None:
    if model not in wanted:
        return Change(model, ChangeKind.VANISHED)
    new = _figures(wanted[model])
    if model not in held:
        return Change(model, ChangeKind.ADDED, tuple(Figure(place, None, text) for place, text in new.items()))
    old = _figures(held[model])
    places = [*new, *(place for place in old if place not in new)]
    differing = tuple(
        Figure(place, old.get(place), new.get(place)) for place in places if old.get(place) != new.get(place)
    )
    return Change(model, ChangeKind.CHANGED, differing) if differing else None


def _figures(sheet: PriceSheet) -> dict[str, str]:
    return dict(_flat(prices.document(sheet)))


def _flat(document: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value
