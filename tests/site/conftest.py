"""Folders in which the embedded services can run."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's own, which lies where each start of pytest closes the way to other accounts.

    As root, PostgreSQL runs under an account of its own.
    """
    with tempfile.TemporaryDirectory(prefix="acron-site-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def module_path() -> Iterator[Path]:
    """One for all tests of a file: making a cluster is what takes long."""
    with tempfile.TemporaryDirectory(prefix="acron-site-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
