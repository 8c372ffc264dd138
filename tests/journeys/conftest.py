"""One running product with the mock provider, shared by the journeys."""

from collections.abc import Iterator

import pytest

from tests import live

# which hits are asked upstream too is a matter of chance, and their answers are kept: not beside stories of one hit
_SETTINGS = {"ASAHI_PROVIDERS_MOCK": "true", "ASAHI_CACHE_SEMANTIC_CHECK_PERCENT": "0.0001"}


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Live]:
    with live.running(tmp_path_factory.mktemp("product"), settings=_SETTINGS) as running:
        yield running
