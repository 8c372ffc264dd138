"""Starts the test run's own PostgreSQL and Redis before Django reads its settings."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from acron_site import embedded

_data_dir = Path(tempfile.mkdtemp(prefix="acron-test-"))
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
os.environ["ASAHI_STORAGE_DATA_DIR"] = str(_data_dir)
embedded.provide(os.environ, _data_dir)
