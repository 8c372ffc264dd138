"""Measures the worker of this tree against another tree's, turn by turn in one run: is a change slower than what was?

Single runs drift by half on a shared machine; pairs of turns that follow each other at once do not. Of each case it
prints the median CPU time of both, and the median of the paired ratios with a bootstrap interval of 95 %.
    MEASURE=against scripts/bench ../before hit miss stream --rounds 20 --seconds 1
"""

import argparse
import importlib
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.product import LOAD_CORE, MODELS, Served, running, wait_for

HARNESS = Path(os.environ["ACRON_BENCH"]).resolve()
ADDRESS = "/v1/chat/completions"
PORTS = (8191, 8192)
RESAMPLES = 4_000


def main() -> None:
    asked = _asked()
    upstream = [sys.executable, str(HARNESS / "upstream.py"), "--port", "9000"]
    with ExitStack() as stack:
        stack.enter_context(running("upstream", LOAD_CORE, upstream))
        wait_for("http://127.0.0.1:9000/health")
        trees = [asked.tree.resolve(), MODELS.parents[2]]
        before, now = (stack.enter_context(_served_from(tree, port)) for tree, port in zip(trees, PORTS, strict=True))
        print(f"{'case':8s} {'before us':>10s} {'now us':>10s} {'now/before':>11s} {'95 %':>14s}")
        for case in asked.cases:
            _show(case, _pairs(case, before, now, rounds=asked.rounds, seconds=asked.seconds))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path, help="a checkout with a .venv, for example a git worktree")
    parser.add_argument("cases", nargs="*", default=["hit", "miss", "stream"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=1)
    return parser.parse_args()


@contextmanager
def _served_from(tree: Path, port: int) -> Iterator[Served]:
    # the other tree's product, started by our own file: older trees have none
    command = [str(tree / ".venv/bin/python"), str(Path(__file__).with_name("product.py")), str(port)]
    process = subprocess.Popen(
        command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith(b"serves "):
                _, key, pid = line.split()
                yield Served(f"http://127.0.0.1:{port}", key.decode(), int(pid))
                return
        raise SystemExit(f"bench: the product of {tree} did not start")
    finally:
        process.stdin.close()
        process.wait(60)


def _pairs(case: str, before: Served, now: Served, *, rounds: int, seconds: int) -> list[tuple[float, float]]:
    return [_pair(_meter(case, seconds), before, now) for _ in range(rounds)]


def _pair(measured: Callable[[Served], float], before: Served, now: Served) -> tuple[float, float]:
    """Who begins is drawn, so that a drift of the machine favours nobody."""
    if random.random() < 0.5:
        first = measured(before)
        return first, measured(now)
    last = measured(now)
    return measured(before), last


def _meter(case: str, seconds: int) -> Callable[[Served], float]:
    sys.path.insert(0, str(HARNESS))
    compare = importlib.import_module("compare")

    def measured(product: Served) -> float:
        """CPU microseconds a request."""
        limits = ["--seconds", str(seconds)]
        return float(
            compare.measure(case, case, product.base, ADDRESS, product.key, product.pid, limits)["srv_us_per_req"]
        )

    return measured


def _show(case: str, pairs: Sequence[tuple[float, float]]) -> None:
    before, now = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = [later / earlier for earlier, later in pairs]
    drawn = sorted(statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    low, high = drawn[RESAMPLES // 40], drawn[-RESAMPLES // 40]
    ratio = statistics.median(ratios)
    print(f"{case:8s} {before:10.0f} {now:10.0f} {ratio:11.2f} {low:6.2f} - {high:5.2f}", flush=True)


if __name__ == "__main__":
    main()
