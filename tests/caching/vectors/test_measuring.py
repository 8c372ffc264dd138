"""The measurement works in a schema of its own and leaves nothing behind."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from caching import semantic_samples
from tests.caching.vectors.conftest import beside

pytestmark = pytest.mark.django_db


def test_sizes_fall_and_a_few_partitions_are_big():
    laid = semantic_samples.layout(100_000, 50)

    assert 95_000 < laid.sizes.sum() <= 100_000
    assert list(laid.sizes[:3]) == [10_000] * 3
    assert len(np.unique(laid.owners)) == 50


async def test_it_measures_and_leaves_nothing(database):
    printed = StringIO()

    def run() -> None:
        sizes = ["--entries", "3000", "--organizations", "5", "--dimension", "16", "--queries", "20"]
        call_command("measure_semantic_store", *sizes, "--json", stdout=printed, stderr=StringIO())

    await beside(run)

    measured = json.loads(printed.getvalue())
    assert measured["entries"] > 2_000
    assert measured["table_bytes_per_entry"] > 1_600
    assert {speed["recall_at_1"] for speed in measured["speeds"]} == {1.0}
    assert database.execute("SELECT count(*) FROM caching_semanticentry").fetchone()[0] == 0
    assert not database.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'acron_measured'").fetchone()


async def test_it_refuses_a_schema_that_is_there(database):
    database.execute("CREATE SCHEMA acron_measured")
    try:
        with pytest.raises(CommandError, match="drop it first"):
            await beside(lambda: call_command("measure_semantic_store", "--entries", "3000"))
    finally:
        database.execute("DROP SCHEMA acron_measured")
