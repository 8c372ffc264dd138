"""How long a hit of tier 2 takes from end to end beside so many entries of one partition, with the local embedder.

One worker on its core; PostgreSQL, the embedder and the caller share the other. Each request has wording of its own,
so that its vector is computed; one at a time, by one client whose connection stays open.
    MEASURE=similar scripts/bench --entries 100000
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.product import LOAD_CORE, running, served, wait_for

HARNESS = Path(os.environ["ACRON_BENCH"]).resolve()
PORT = 8191
QUESTION = ("What is", "the capital", "of France?")
_LEARNT_SECONDS = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=500)
    asked = parser.parse_args()
    upstream = [sys.executable, str(HARNESS / "upstream.py"), "--port", "9000"]
    with running("upstream", LOAD_CORE, upstream), served(PORT) as product:
        wait_for("http://127.0.0.1:9000/health")
        _serve_by_hand()
        ask, wordings = _asker(product.key), _wordings()
        _until_hit(ask, wordings)
        began = time.perf_counter()
        size = _fill(asked.entries)
        ask = _asker(product.key)  # the server has closed the other connection, which was idle
        print(f"{size:,} entries in one partition, filled and indexed in {time.perf_counter() - began:.0f} s")
        for _ in range(50):
            ask(next(wordings))
        found = [ask(next(wordings)) for _ in range(asked.requests)]
    hits = [seconds * 1_000 for seconds, cache in found if cache == "HIT-T2"]
    p50, p95, p99 = np.percentile(hits, [50, 95, 99])
    print(f"{len(hits)} of {len(found)} served by tier 2: p50 {p50:.1f} ms, p95 {p95:.1f}, p99 {p99:.1f}, end to end")
    return 0 if len(hits) > len(found) / 2 else 1


def _serve_by_hand() -> None:
    """A threshold of the organization's own, so that no check is waited for."""
    from accounts import actor
    from accounts.models import Organization
    from caching import services_policies
    from caching.policies import Semantic, Wishes

    wishes = Wishes(semantic=Semantic.MANUAL, semantic_threshold=0.8)
    services_policies.put(actor.system(Organization.objects.get().pk), "default", wishes)


def _asker(key: str) -> Any:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=10)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(text: str) -> tuple[float, str]:
        """Seconds, and what the cache said."""
        body = json.dumps({"model": "mock-l0-n5", "messages": [{"role": "user", "content": text}]})
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        answer.read()
        return time.perf_counter() - began, answer.headers.get("x-acron-cache", "")

    return ask


def _wordings() -> Iterator[str]:
    """Ever new, and hardly different: only tier 2 knows them again."""
    for first, second in itertools.product(range(1, 100), repeat=2):
        yield QUESTION[0] + " " * first + QUESTION[1] + " " * second + QUESTION[2]


def _until_hit(ask: Any, wordings: Iterator[str]) -> None:
    end = time.monotonic() + _LEARNT_SECONDS
    while ask(next(wordings))[1] != "HIT-T2":
        time.sleep(0.5)
        if time.monotonic() > end:
            raise SystemExit("bench: the question was not learnt")


def _fill(entries: int) -> int:
    """The row that was learnt, so many times more with vectors of chance, and the index that the tender would build."""
    from django.db import connection

    from caching import semantic_indexes

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'caching_semanticentry'"
            " AND column_name NOT IN ('id', 'fingerprint', 'embedding')"
        )
        others = ", ".join(f'"{name}"' for (name,) in cursor.fetchall())
        cursor.execute(
            f"INSERT INTO caching_semanticentry (id, fingerprint, embedding, {others})"
            " SELECT gen_random_uuid(), decode(md5(n::text), 'hex'), (SELECT array_agg(random() - 0.5)"
            f" FROM generate_series(1, vector_dims(first.embedding) + 0 * n))::real[]::halfvec, {others}"
            " FROM (SELECT * FROM caching_semanticentry LIMIT 1) AS first, generate_series(1, %s) AS n",
            [entries],
        )
        cursor.execute("ANALYZE caching_semanticentry")
    semantic_indexes.tend()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM caching_semanticentry")
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    sys.exit(main())
