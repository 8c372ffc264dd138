"""How the soak tells growth from noise; the soak itself takes minutes: `python -m tests.faults.soak`."""

import pytest

from tests.faults.soak import Memory


@pytest.mark.parametrize(("sizes", "percent"), [([100, 100, 100], 0), ([100, 103, 106], 6), ([100, 97, 94], -6)])
def test_growth_is_told_from_the_warm_up_on(sizes, percent):
    samples = [(1000, 50.0), *((2000 + 1000 * place, size) for place, size in enumerate(sizes))]

    memory = Memory(warm_up=2000, samples=samples)

    assert memory.growth_percent == pytest.approx(percent)
