"""People with an organization each, in place of the namespaces that other tests of the cache know by these names."""

import pytest

from accounts import wiring
from tests.accounts.conftest import Person, signed_up


@pytest.fixture
def ada(db) -> Person:
    wiring.key_directory.cache_clear()
    return signed_up("Ada")


@pytest.fixture
def mallory(db) -> Person:
    return signed_up("Mallory")
