"""Runs the harness against one worker of this tree and the stand-in upstream, and stops everything again."""

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.product import LOAD_CORE, running, served

HARNESS = Path(os.environ["ACRON_BENCH"]).resolve()


def main() -> int:
    upstream = [sys.executable, str(HARNESS / "upstream.py"), "--port", "9000"]
    with served(8191) as product, running("upstream", LOAD_CORE, upstream):
        command = [sys.executable, str(HARNESS / "compare.py"), "--base", product.base]
        return subprocess.run(  # noqa: PLW1510 - its exit code is ours
            [*command, "--key", product.key, "--pid", str(product.pid), *sys.argv[1:]], env=_without_harness_settings()
        ).returncode


def _without_harness_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MOCK_")}


if __name__ == "__main__":
    sys.exit(main())
