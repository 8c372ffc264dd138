"""A whole installation to maltreat: PostgreSQL, Redis, a provider stand-in and the product, each a real process."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from acron_site import keeper
from analytics import journal
from analytics.journal import Backlog
from tests import live
from tests.faults import servers
from tests.faults.servers import Server
from tests.live import Live

MODELS = ("standin-0", "standin-100", "standin-2000", "standin-30000", "standin-endless")
_HEALING_SECONDS = 20.0


@dataclass
class Plant:
    """`product` is the installation under test, or another product on the same servers."""

    postgres: Server
    redis: Server
    upstream: str
    product: Live
    keys: list[str]
    folder: Path

    def provider(self) -> dict[str, Any]:
        """What the provider says: `calls`, `in_progress` and `hung_up`."""
        with urllib.request.urlopen(f"{self.upstream}/state", timeout=5) as response:
            state: dict[str, Any] = json.load(response)
        return state

    def rows(self, story: str) -> list[tuple[Any, ...]]:
        """(user, status, cost status, cost, tier) of every row whose `user` begins with the story's name."""
        query = (
            "SELECT end_user, status, cost_status, cost_usd, cache_tier"
            " FROM analytics_inferenceevent WHERE end_user LIKE %s"
        )
        with psycopg.connect(self.postgres.url, connect_timeout=3) as connection:
            return connection.execute(query, [f"{story}-%"]).fetchall()

    def heal(self, workers: int) -> None:
        """Waits until everything runs, and starts what an earlier story left stopped."""
        for server in (self.postgres, self.redis):
            if not server.is_running:
                server.start()
        end = time.monotonic() + _HEALING_SECONDS
        while not self._is_well(workers):
            assert time.monotonic() < end, self.product.call("/health")
            time.sleep(0.05)

    def _is_well(self, workers: int) -> bool:
        is_well = bool(self.product.call("/health")[2]["status"] == "ok")
        return is_well and len(self.product.workers()) == workers

    def backlog(self) -> Backlog:
        """What of the product's journal is not in PostgreSQL, and what PostgreSQL refused."""
        return journal.backlog(self.product.data_dir / "ledger")

    @contextlib.contextmanager
    def another_product(self, name: str, *, workers: int = 1, key_ttl_seconds: int = 60) -> Iterator["Plant"]:
        settings = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "ASAHI_PROVIDERS_MODELS_FILE": str(self.folder / "models.yaml"),
            "ASAHI_GOVERNANCE_KEY_CACHE_TTL_SECONDS": str(key_ttl_seconds),
        }
        with live.running(self.folder / name, workers=workers, settings=settings) as product:
            ours = dataclasses.replace(product, key=self.keys[0], rival_key=self.keys[1])
            yield dataclasses.replace(self, product=ours)


@contextlib.contextmanager
def standing(folder: Path) -> Iterator[Plant]:
    """A plant without a product yet: `product` is to be had from `another_product`."""
    with servers.running("postgres") as postgres, servers.running("redis") as redis, _provider() as upstream:
        keys = live.found(postgres.url)
        (folder / "models.yaml").write_text(_models(upstream), encoding="utf-8")
        nothing: Any = None
        yield Plant(postgres, redis, upstream, nothing, keys, folder)


@contextlib.contextmanager
def _provider() -> Iterator[str]:
    port = live.free_port()
    process = subprocess.Popen(
        (sys.executable, "-m", "tests.faults.upstream", str(port)),
        cwd=live.ROOT,
        env=os.environ,
        preexec_fn=keeper.dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one system call, no Python lock
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{address}/state")
        yield address
    finally:
        process.kill()
        process.wait()


def _wait(url: str) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            assert time.monotonic() < end, f"{url} does not answer"
            time.sleep(0.02)


def _models(upstream: str) -> str:
    prices = {"source": "invented", "as_of": "2026-11-12", "standard": {"input": 1, "cache_read": 0.1, "output": 4}}
    model = {
        "provider": "standin",
        "context_window": 128_000,
        "capabilities": ["sampling", "streaming", "tools"],
        "quality": {"default": 4},
        "latency_ms": 100,
        "prices": prices,
    }
    provider = {"kind": "openai-compatible", "base_url": f"{upstream}/v1"}
    document = {
        "quality_source": "invented",
        "providers": {"standin": provider},
        "models": dict.fromkeys(MODELS, model),
    }
    return json.dumps(document)  # YAML can read JSON
