"""Quick values behave as the frozen dataclasses they stand for."""

from dataclasses import dataclass, field, replace

import pytest

from acron_site.lib.values import quick


@quick
@dataclass(frozen=True, slots=True)
class Parcel:
    weight: int
    label: str = "fragile"
    stamps: list[str] = field(default_factory=list)


def test_defaults_are_filled_in_and_factories_are_called_for_each():
    one, other = Parcel(1), Parcel(weight=2, label="soft")

    one.stamps.append("air mail")

    assert (one.label, other.label, other.stamps) == ("fragile", "soft", [])


def test_equality_and_replacement_work():
    assert Parcel(1) == Parcel(1) != Parcel(2)
    assert replace(Parcel(1), weight=3) == Parcel(3)


def test_missing_fields_are_refused():
    with pytest.raises(TypeError, match="weight"):
        Parcel()  # type: ignore[call-arg]
