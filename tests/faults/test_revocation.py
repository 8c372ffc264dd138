"""A key that an operator revokes is refused by every worker within a second."""

import http.client
import time
from contextlib import closing
from urllib.parse import urlsplit

import psutil

from tests.faults.operating import Operator
from tests.faults.plant import Plant


def line_to(plant: Plant, worker: int) -> http.client.HTTPConnection:
    """A kept connection that this worker, and no other, serves."""
    address = urlsplit(plant.product.base)
    for _ in range(200):
        line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
        line.request("GET", "/health/live")
        line.getresponse().read()
        ours = line.sock.getsockname()
        if any(each.raddr == ours for each in psutil.Process(worker).net_connections("tcp4")):
            return line
        line.close()
    raise AssertionError(f"worker {worker} takes no connection")


def status_of(line: http.client.HTTPConnection, key: str) -> int:
    line.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
    response = line.getresponse()
    response.read()
    return response.status


def test_a_revoked_key_is_refused_by_both_workers_within_a_second(plant: Plant, operator: Operator):
    key = operator("make")
    with (
        closing(line_to(plant, plant.product.workers()[0])) as one,
        closing(line_to(plant, plant.product.workers()[1])) as other,
    ):
        known = [status_of(line, key) for line in (one, other)]
        revoked_at = float(operator(f"revoke {key}"))
        refused_after = [seconds_until_refused(line, key, since=revoked_at) for line in (one, other)]

    print(f"\nkey revoked: refused after {refused_after[0] * 1000:.0f} ms and {refused_after[1] * 1000:.0f} ms")
    assert known == [200, 200]
    assert max(refused_after) <= 1.0


def seconds_until_refused(line: http.client.HTTPConnection, key: str, *, since: float) -> float:
    while status_of(line, key) != 401:
        assert time.time() - since < 5.0, "a revoked key is still served after 5 s"
        time.sleep(0.01)
    return time.time() - since
