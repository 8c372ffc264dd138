"""A gateway whose provider does as it is told."""

import pytest

from tests.inference.kit import Kit
from tests.inference.workflows.kit import Writer


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def kit(writer: Writer) -> Kit:
    return Kit(transport=writer)
