"""A whole installation to maltreat: PostgreSQL, Redis, a provider stand-in and the product, each a real process."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from acron_site import keeper
from analytics import journal
from analytics.journal import Backlog
from tests import live
from tests.faults import servers, sickness
from tests.faults.servers import Server
from tests.live import Live

LONG_STREAM_SECONDS = 6  # 30 is what is promised; raise it for a thorough look
LONG_STREAM_MODEL = f"standin-{LONG_STREAM_SECONDS * 500}"  # as long again until it begins
MODELS = (
    *("standin-0", "standin-100", "standin-2000", "standin-30000", "standin-endless", "standin-endless-100"),
    *("standin-long", LONG_STREAM_MODEL, *sickness.MODELS),
)
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
        """What the provider says: `Upstream` lists it."""
        return self._tell_provider("GET", "/state")

    def make_provider(self, health: str) -> None:
        """`well` or `sick`."""
        self._tell_provider("PUT", f"/{health}")

    def _tell_provider(self, method: str, address: str) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.upstream}{address}", method=method)
        with urllib.request.urlopen(request, timeout=15) as response:
            state: dict[str, Any] = json.load(response)
        return state

    def rows(self, story: str) -> list[tuple[Any, ...]]:
        """(user, status, cost status, cost, tier) of every row whose `user` begins with the story's name."""
        return self._select("end_user, status, cost_status, cost_usd, cache_tier", story)

    def reasons(self, story: str) -> list[tuple[Any, ...]]:
        """(user, model, attempt, status, why it went there) of the same rows."""
        return self._select("end_user, model, attempt, status, route_reason", story)

    def output_tokens(self, story: str) -> dict[str, int]:
        """What the ledger says was generated for each user."""
        return dict(self._select("end_user, tokens_output", story))

    def _select(self, columns: LiteralString, story: str) -> list[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM analytics_inferenceevent WHERE end_user LIKE %s"
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
    def another_product(
        self, name: str, *, workers: int = 1, key_ttl_seconds: int = 60, also: Mapping[str, str] | None = None
    ) -> Iterator["Plant"]:
        """`also`: settings of its own."""
        settings = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "ASAHI_PROVIDERS_MODELS_FILE": str(self.folder / "models.yaml"),
            "ASAHI_GOVERNANCE_KEY_CACHE_TTL_SECONDS": str(key_ttl_seconds),
            **(also or {}),
        }
        with live.running(self.folder / name, workers=workers, settings=settings) as product:
            ours = dataclasses.replace(product, key=self.keys[0], rival_key=self.keys[1])
            yield dataclasses.replace(self, product=ours)


@contextlib.contextmanager
def standing(folder: Path) -> Iterator[Plant]:
    """A plant without a product yet: `product` is to be had from `another_product`."""
    with servers.running("postgres") as postgres, servers.running("redis") as redis, _provider() as upstream:
        keys = live.found(postgres.url)
        nothing: Any = None
        with socket.create_server(("127.0.0.1", 0)) as mute:  # it takes connections and says nothing
            models = _models(upstream, mute.getsockname()[1])
            (folder / "models.yaml").write_text(models, encoding="utf-8")
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


def _models(upstream: str, mute_port: int) -> str:
    prices = {"source": "invented", "as_of": "2026-11-12", "standard": {"input": 1, "cache_read": 0.1, "output": 4}}
    model = {
        "provider": "standin",
        "context_window": 100_000_000,
        "capabilities": ["sampling", "streaming", "tools"],
        "quality": {"default": 4},
        "latency_ms": 100,
        "prices": prices,
    }
    provider = {"kind": "openai-compatible", "base_url": f"{upstream}/v1"}
    elsewhere = {name: {**model, **where} for name, where in _elsewhere(upstream, mute_port).items()}
    document = {
        "quality_source": "invented",
        "providers": {"standin": provider},
        "models": {**dict.fromkeys(MODELS, model), **elsewhere},
    }
    return json.dumps(document)  # YAML can read JSON


def _elsewhere(upstream: str, mute_port: int) -> dict[str, dict[str, Any]]:
    """Models at servers of their own: ones that nobody can reach, and one that has several."""
    nowhere = f"http://127.0.0.1:{live.free_port()}/v1"
    second = {"base_url": f"{upstream}/second/v1", "upstream_model": "standin-0"}
    return {
        "dead": {"base_url": nowhere},
        "tls": {"base_url": f"https{upstream.removeprefix('http')}/v1"},
        "mute": {"base_url": f"https://127.0.0.1:{mute_port}/v1"},
        "dns": {"base_url": "http://provider.invalid/v1"},
        "spread": {
            "upstream_model": "standin-0",
            "deployments": [{"weight": 2}, second, {"base_url": nowhere, "upstream_model": "standin-0"}],
        },
    }
