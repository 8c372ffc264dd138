"""LangChain's own integration tests: what passes at the stand-in itself must pass through the product.

Run as `python -m tests.clients.langchain_comparison [--crossed]`; crossed, each client asks the other provider's
models through the product.
"""

import argparse
import contextlib
import importlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.clients import standing, upstream
from tests.clients.matrix import Client

SUITE = Client("langchain-tests", "../langchain_suite.py", "frameworks")
_SECONDS = 300
_OPTIONS = [
    *("-c", "/dev/null", "--noconftest", "--import-mode=importlib", "-o", "asyncio_mode=auto"),
    *("-p", "no:cacheprovider", "-p", "no:randomly", "-q", "--disable-warnings", "--benchmark-disable"),
]


@dataclass(frozen=True)
class Results:
    """What became of each test: nothing said against it, or the error's first line."""

    failures: dict[str, str]
    passed: frozenset[str]
    output: str = ""


@dataclass(frozen=True)
class Comparison:
    straight: Results
    through: Results

    @property
    def differences(self) -> dict[str, str]:
        lost = sorted(self.straight.passed - self.through.passed)
        return {name: self.through.failures.get(name, "not run") for name in lost}


def compare(*, crossed: bool = False) -> Comparison:
    with upstream.running() as address:
        at_stand_in = run(address, upstream.KEY)
        with standing.product(address) as product:
            return Comparison(at_stand_in, run(product.base, product.key, crossed=crossed))


@contextlib.contextmanager
def at_product() -> Iterator[tuple[str, str]]:
    """The address of a product in front of a stand-in, and a key."""
    with upstream.running() as address, standing.product(address) as product:
        yield product.base, product.key


def run(base: str, key: str, *, crossed: bool = False) -> Results:
    with tempfile.TemporaryDirectory(prefix="acron-suite-") as folder:
        report = Path(folder) / "report.xml"
        python, script = SUITE.command([])
        told = {"ACRON_SUITE_BASE": base, "ACRON_SUITE_KEY": key, **({"ACRON_SUITE_CROSSED": "yes"} if crossed else {})}
        done = subprocess.run(
            [python, "-m", "pytest", *_OPTIONS, f"--rootdir={folder}", f"--junitxml={report}", script],
            cwd=folder,
            env={**SUITE.environ(), **told},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert report.exists(), done.stdout + done.stderr
        return _read(report, done.stdout)


def _read(report: Path, output: str) -> Results:
    failures: dict[str, str] = {}
    passed: set[str] = set()
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}"
        trouble = case.find("failure") if case.find("error") is None else case.find("error")
        if trouble is not None:
            failures[name] = trouble.get("message", "").partition("\n")[0][:300]
        elif case.find("skipped") is None:
            passed.add(name)
    return Results(failures, frozenset(passed), output)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.clients.langchain_comparison", description=__doc__)
    parser.add_argument("--crossed", action="store_true", help="ask the other provider's models")
    if reason := SUITE.missing():
        print(f"SKIPPED langchain-tests: {reason}")
        return 0
    options = parser.parse_args()
    importlib.import_module("acron_site.settings_test")  # the services of a test run
    found = compare(crossed=options.crossed)
    for name, reason in sorted(found.straight.failures.items()):
        print(f"fails straight: {name} {reason}")
    for name, reason in found.differences.items():
        print(f"DIFFERENT {name} {reason}")
    straight, through = len(found.straight.passed), len(found.straight.passed & found.through.passed)
    print(f"passed straight {straight}, of these through the product {through}, differences {len(found.differences)}")
    return 1 if found.differences or not straight else 0


if __name__ == "__main__":
    sys.exit(main())
