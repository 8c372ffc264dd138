"""Whatever client asks, ACRON answers as the provider itself would."""

import pytest

from tests.clients import langchain_comparison, matrix
from tests.clients.matrix import CLIENTS


def test_every_client_is_answered_as_by_the_provider_itself():
    missing = [f"{client.name} ({reason})" for client in CLIENTS if (reason := client.missing())]

    cells = list(matrix.through(CLIENTS))

    assert [str(cell) for cell in cells if not cell.ok] == []
    assert len(cells) > 80
    if missing:
        pytest.skip(f"all others passed; not installed here: {', '.join(missing)}")


@pytest.mark.skipif(bool(langchain_comparison.SUITE.missing()), reason=langchain_comparison.SUITE.missing())
def test_langchains_own_tests_pass_through_the_product():
    with langchain_comparison.at_product() as (base, key):
        results = langchain_comparison.run(base, key)

    assert results.failures == {}
    assert len(results.passed) > 100
