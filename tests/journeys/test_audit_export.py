"""A long audit log leaves the running product as a stream: at once, and without filling the worker's memory."""

import http.client
import json
import time
from urllib.parse import urlsplit

import psutil
import psycopg

from tests.live import Live

ROWS = 50_000


def test_a_long_export_streams(product: Live):
    first = product.call("/governance/audit?limit=1", key=product.rival_key)[2]["data"][0]
    fill(product, first["organization_id"], first["sequence"])
    [worker] = [psutil.Process(pid) for pid in product.workers()]
    before_bytes = worker.memory_info().rss
    address = urlsplit(product.base)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    start, most_bytes, last = time.monotonic(), 0, b""
    connection.request("GET", "/governance/audit/export?action=filler", headers={"x-api-key": product.rival_key})
    with connection.getresponse() as response:
        lines = [response.readline()]
        first_seconds = time.monotonic() - start
        for number, line in enumerate(response, start=2):
            last = line
            if number % 5_000 == 0:
                most_bytes = max(most_bytes, worker.memory_info().rss)
    seconds = time.monotonic() - start
    connection.close()

    grown = (most_bytes - before_bytes) / 1e6
    print(
        f"\n{number} acts: first after {first_seconds:.2f} s, all after {seconds:.1f} s, worker grew by {grown:.0f} MB"
    )
    assert response.getheader("content-length") is None
    assert (number, json.loads(lines[0])["action"], json.loads(last)["action"]) == (ROWS, "filler.put", "filler.put")
    assert first_seconds < seconds / 3
    assert grown < 30


def fill(product: Live, organization_id: str, after: int) -> None:
    """Many acts at once; their hashes are not right, only their number matters."""
    with psycopg.connect(product.environ["DATABASE_URL"]) as connection:
        connection.execute(
            "INSERT INTO accounts_auditevent (id, organization_id, sequence, occurred_at, action, actor_kind,"
            " actor_role, object_kind, object_id, object_name, before, after, address, user_agent, request_id,"
            " previous_hash, hash)"
            " SELECT gen_random_uuid(), %s, n, now(), 'filler.put', 'system', 'owner', '', '', '', '{}', '{}', '', '',"
            " '', sha256('x'), sha256('x') FROM generate_series(%s, %s) n",
            [organization_id, after + 1, after + ROWS],
        )
        connection.execute(
            "UPDATE accounts_audithead SET sequence = %s WHERE organization_id = %s", [after + ROWS, organization_id]
        )
