"""One running product with the mock provider, shared by the journeys."""

from collections.abc import Iterator

import pytest

from tests import live


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Live]:
    with live.running(tmp_path_factory.mktemp("product"), settings={"ASAHI_PROVIDERS_MOCK": "true"}) as running:
        yield running
