"""Which broker carries the background jobs: Redis, or a folder when there is none."""

import urllib.parse
from pathlib import Path
from typing import Any


def url(redis_url: str) -> str:
    """The broker's address in Celery's notation. Without Redis, jobs are files: one machine, no further service."""
    if not redis_url:
        return "filesystem://localhost"
    parts = urllib.parse.urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = urllib.parse.parse_qs(parts.query).get("db", ["0"])[0]
    password = f":{parts.password}@" if parts.password else ""
    return f"redis+socket://{password}{parts.path}?virtual_host={database}"


def options(broker_url: str, folder: Path) -> dict[str, Any]:
    """What the broker's transport has to know. `acron_site.embedded` makes the folder."""
    if not broker_url.startswith("filesystem:"):
        return {"socket_timeout": 5, "socket_connect_timeout": 5}
    queue = str(folder / "queue")
    return {"data_folder_in": queue, "data_folder_out": queue, "control_folder": str(folder / "control")}
