"""A worker's memory does not grow with what it has answered."""

import asyncio

import pytest

from tests.clients import standing, upstream
from tests.faults import soak
from tests.faults.soak import Memory


def test_memory_stays_flat_under_mixed_requests():
    with upstream.running() as address, standing.product(address) as product:
        memory = asyncio.run(soak.run(product, 3000, warm_up=1000))

    assert memory.growth_percent < soak.MOST_GROWTH_PERCENT, str(memory)
    assert {"200", "400", "429", "hung up"} <= set(memory.answers)


@pytest.mark.parametrize(("sizes", "percent"), [([100, 100, 100], 0), ([100, 103, 106], 6), ([100, 97, 94], -6)])
def test_growth_is_told_from_the_warm_up_on(sizes, percent):
    samples = [(1000, 50.0), *((2000 + 1000 * place, size) for place, size in enumerate(sizes))]

    memory = Memory(warm_up=2000, samples=samples)

    assert memory.growth_percent == pytest.approx(percent)
