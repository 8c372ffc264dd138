"""Settings of the test suite: services and a data directory of its own, quick hashing, nothing from `.env`."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from acron_site import embedded

# the names that a developer's shell or a CI server may have set would send the tests to somebody's real data
for name in [*embedded.REDIS_NAMES, "DATABASE_URL"]:
    os.environ.pop(name, None)
# nobody listens there: no test reaches a real provider, whatever it tries
for name in ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "CO_API_URL"]:
    os.environ[name] = "http://127.0.0.1:9"
_data_dir = Path(tempfile.mkdtemp(prefix="acron-test-"))
os.environ["ASAHI_STORAGE_DATA_DIR"] = str(_data_dir)
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)  # runs last: after the services have stopped
# here and not in a conftest.py: pytest-django reads the settings before any of those
embedded.provide(os.environ, _data_dir)

from acron_site.settings import *  # noqa: E402, F403

SECRET_KEY = "test-secret-key-" + "0123456789abcdef" * 3
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CELERY_TASK_ALWAYS_EAGER = True
WHITENOISE_AUTOREFRESH = True  # static files are not collected for tests
# tests of transactions empty the tables after them, the append-only audit log too; nothing has to outlive a power cut
DATABASES["default"]["OPTIONS"]["options"] = "-c acron.erasing=everything -c synchronous_commit=off"  # noqa: F405
