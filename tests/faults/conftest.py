"""The plant of the fault stories: one for all, healthy again before each."""

from collections.abc import Iterator

import pytest

from tests.faults import operating
from tests.faults import plant as plants
from tests.faults.operating import Operator
from tests.faults.plant import Plant

WORKERS = 2


@pytest.fixture(scope="session")
def bare_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with plants.standing(tmp_path_factory.mktemp("plant")) as plant:
        yield plant


@pytest.fixture(scope="session")
def _plant(bare_plant: Plant) -> Iterator[Plant]:
    # keys are to be read again during an outage, not only remembered
    with bare_plant.another_product("two-workers", workers=WORKERS, key_ttl_seconds=2) as plant:
        yield plant


@pytest.fixture
def plant(_plant: Plant) -> Plant:
    """PostgreSQL, Redis, a provider and the product with two workers."""
    _plant.heal(WORKERS)
    _plant.make_provider("sick")  # those of its models that can be
    return _plant


@pytest.fixture(scope="session")
def _single(bare_plant: Plant) -> Iterator[Plant]:
    with bare_plant.another_product("one-worker") as plant:
        yield plant


@pytest.fixture
def single(_single: Plant) -> Plant:
    """The same with one worker."""
    _single.heal(1)
    return _single


@pytest.fixture
def operator(plant: Plant) -> Iterator[Operator]:
    """Somebody beside the product who makes keys and revokes them."""
    with operating.at_work(plant.product.environ) as tell:
        yield tell
