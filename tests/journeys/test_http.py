"""HTTP as it is on the wire: what keeps a connection, what ends it, what a HEAD gets."""

import json
import socket

import pytest

from tests.live import Live

BODY = json.dumps({"model": "mock-small", "messages": [{"role": "user", "content": "on the wire"}]}).encode()


def request(product: Live, method: str = "POST", version: str = "1.1", **headers: str) -> bytes:
    fields = {
        "Host": "localhost",
        "Authorization": f"Bearer {product.key}",
        "Content-Length": str(len(BODY)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} /v1/chat/completions HTTP/{version}\r\n{head}\r\n".encode() + BODY


@pytest.fixture
def line(product: Live):
    port = int(product.base.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        yield connection.makefile("rwb")


def read(line) -> tuple[bytes, dict[bytes, bytes], bytes]:
    status = line.readline().strip()
    headers = {}
    while field := line.readline().strip():
        name, _, value = field.partition(b": ")
        headers[name] = value
    return status, headers, line.read(int(headers.get(b"content-length", 0)))


def test_a_connection_serves_many_requests(line, product):
    for _ in range(3):
        line.write(request(product))
        line.flush()
        status, headers, body = read(line)

    assert status == b"HTTP/1.1 200 OK"
    assert headers[b"x-acron-cache"] == b"HIT-T1"
    assert json.loads(body)["object"] == "chat.completion"


def test_pipelined_requests_are_answered_in_turn(line, product):
    line.write(request(product, **{"x-request-id": "one"}) + request(product, **{"x-request-id": "two"}))
    line.flush()

    assert [read(line)[1][b"x-request-id"] for _ in range(2)] == [b"one", b"two"]


@pytest.mark.parametrize(("version", "connection"), [("1.1", "close"), ("1.0", "close")])
def test_a_connection_ends_when_the_client_wants_it(line, product, version, connection):
    line.write(request(product, version=version, Connection=connection))
    line.flush()

    status, headers, _ = read(line)

    assert status == b"HTTP/1.1 200 OK"
    assert headers[b"connection"] == b"close"
    assert line.read() == b""


def test_head_gets_no_body(line, product):
    line.write(request(product, method="HEAD", Connection="close"))
    line.flush()

    assert line.readline().startswith(b"HTTP/1.1 405")
    assert line.read().endswith(b"\r\n\r\n")
