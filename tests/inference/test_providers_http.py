"""How answers are read off the wire: what servers may do, and what they do all the same."""

import asyncio
import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from acron_site.lib.errors import UpstreamError, UpstreamTimeoutError, UpstreamUnreachableError
from inference.providers.base import Call
from inference.providers.http import addresses
from inference.providers.transport import HttpTransport
from tests.inference import stub
from tests.inference.stub import Fault

OK = (stub.answer({"fine": True}),)


@pytest.fixture
async def transport():
    transport = HttpTransport(connect_timeout_seconds=2, first_byte_timeout_seconds=2, idle_timeout_seconds=0.3)
    yield transport
    await transport.close()


def call(url, body=b"{}", method="POST", headers=None):
    return Call(url=url, headers=headers or {}, body=body, stream=False, method=method)


async def read(transport, url, **parts):
    reply = await transport.send(call(url, **parts))
    try:
        return await reply.read()
    finally:
        reply.close()


async def test_answers_that_only_announce_another_are_passed_over(transport):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    script = (b"HTTP/1.1 100 Continue\r\n\r\n", 0.01, hints + stub.answer({"fine": True}))
    async with stub.serve(script) as provider:
        assert await read(transport, provider.url) == b'{"fine":true}'
        assert await read(transport, provider.url) == b'{"fine":true}'
        assert provider.connections == 1


async def test_an_answer_that_ends_with_its_connection_is_whole(transport):
    async with stub.serve((b"HTTP/1.0 200 OK\r\n\r\nall ", 0.02, b"of it", Fault.CLOSE)) as provider:
        assert await read(transport, provider.url) == b"all of it"


async def test_one_without_length_that_is_torn_off_is_not(transport):
    async with stub.serve((b"HTTP/1.1 200 OK\r\n\r\nhalf of", 0.02, Fault.RESET)) as provider:
        with pytest.raises(UpstreamError, match="broke its answer off"):
            await read(transport, provider.url)


async def test_what_comes_after_an_answer_is_never_taken_for_the_next(transport):
    forged = stub.answer({"forged": True})
    async with stub.serve((stub.answer({"fine": True}) + forged,), (stub.answer({"second": True}),)) as provider:
        with pytest.raises(UpstreamError):
            await read(transport, provider.url)

        assert await read(transport, provider.url) == b'{"second":true}'


async def test_nor_is_what_comes_while_nobody_asks(transport):
    async with stub.serve((*OK, 0.01, stub.answer({"forged": True})), (stub.answer({"second": True}),)) as provider:
        assert await read(transport, provider.url) == b'{"fine":true}'
        await asyncio.sleep(0.05)

        assert await read(transport, provider.url) == b'{"second":true}'
        assert provider.connections == 2


async def test_an_answer_without_a_body_is_one(transport):
    async with stub.serve((b"HTTP/1.1 204 No Content\r\n\r\n",)) as provider:
        assert await read(transport, provider.url, method="DELETE", body=b"") == b""
        assert await read(transport, provider.url, method="DELETE", body=b"") == b""
        assert provider.connections == 1
        assert "content-length" not in provider.received[0].headers


async def test_a_connection_the_provider_wants_closed_is_closed(transport):
    async with stub.serve((stub.answer({"fine": True}, headers={"Connection": "close"}),)) as provider:
        await read(transport, provider.url)
        await asyncio.sleep(0.02)

        assert provider.open_connections == 0
        await read(transport, provider.url)
        assert provider.connections == 2


async def test_headers_are_found_by_their_lower_case_names_and_joined(transport):
    script = (b"HTTP/1.1 200 OK\r\nRetry-AFTER: 3\r\nVia: a\r\nvia: b\r\nContent-Length: 0\r\n\r\n",)
    async with stub.serve(script) as provider:
        reply = await transport.send(call(provider.url))

        assert (reply.headers["retry-after"], reply.headers["via"]) == ("3", "a, b")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "\ud800"])
async def test_a_header_cannot_smuggle_another(transport, value):
    async with stub.serve(OK) as provider:
        with pytest.raises(UpstreamError):
            await read(transport, provider.url, headers={"X-Own": value})

        assert provider.received == []


async def test_a_reader_who_is_slow_holds_the_provider_back_and_loses_nothing(transport):
    pieces = [stub.chunk(bytes([65 + number % 26]) * 50_000) for number in range(200)]
    async with stub.serve((stub.stream_head(), *pieces, stub.chunk(b""))) as provider:
        reply = await transport.send(call(provider.url))
        await asyncio.sleep(0.6)  # longer than between two pieces a provider may be silent

        assert reply._exchange.unread_bytes < 2_000_000
        read_bytes = len(await reply.read())

    assert read_bytes == 200 * 50_000


async def test_a_provider_that_is_silent_after_its_head_times_out_as_one_that_never_began():
    hasty = HttpTransport(first_byte_timeout_seconds=0.15, idle_timeout_seconds=5)
    async with stub.serve((stub.stream_head(), Fault.HANG)) as provider:
        reply = await hasty.send(call(provider.url))
        with pytest.raises(UpstreamTimeoutError):
            await reply.read()
    await hasty.close()


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        ("http://a.test", "/", "a.test"),
        ("https://a.test:443/v1?after=x%2Fy&include[]=a", "/v1?after=x%2Fy&include[]=a", "a.test"),
        ("http://a.test:8080/a b/ü", "/a%20b/%C3%BC", "a.test:8080"),
        ("http://[::1]:80/v1", "/v1", "[::1]"),
        ("http://bücher.test/v1#part", "/v1", "xn--bcher-kva.test"),
    ],
)
def test_an_address_is_written_as_servers_expect_it(url, target, host):
    address = addresses.parse(url)

    assert (address.target, address.host_header) == (target, host)


@pytest.mark.parametrize(
    "url", ["http://ada:secret@a.test/v1", "http:///v1", "file:///etc/passwd", "http://a.test:0x1/"]
)
def test_an_address_that_cannot_be_called_is_refused(url):
    with pytest.raises(ValueError, match=r"."):
        addresses.parse(url)


def certificate(folder):
    """A certificate for 127.0.0.1 that signs itself, and its key, in one file."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")]),
    )
    today = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
async def secure(tmp_path):
    """A server that speaks TLS, its port, and its certificate."""
    path = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)

    async def answer(reader, writer):
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(stub.answer({"fine": True}))

    async def serve(reader, writer):
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1], path
    server.close()


async def test_a_server_whose_certificate_is_known_is_called_over_tls(transport, secure, monkeypatch):
    port, path = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    assert await read(transport, f"https://localhost:{port}/v1", method="GET", body=b"") == b'{"fine":true}'
    assert await read(transport, f"https://localhost:{port}/v1", method="GET", body=b"") == b'{"fine":true}'


async def test_one_whose_certificate_is_anothers_is_not(transport, secure, monkeypatch):
    port, path = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    with pytest.raises(UpstreamUnreachableError):
        await read(transport, f"https://127.0.0.1:{port}/v1")


async def test_one_that_nobody_vouches_for_is_not(transport, secure):
    with pytest.raises(UpstreamUnreachableError):
        await read(transport, f"https://localhost:{secure[0]}/v1")


async def test_who_waits_for_a_connection_gets_the_next_that_is_free():
    narrow = HttpTransport(connect_timeout_seconds=2, max_connections_per_host=2)
    async with stub.serve((0.05, *OK)) as provider:
        answers = await asyncio.gather(*(read(narrow, provider.url) for _ in range(8)))

        assert answers == [b'{"fine":true}'] * 8
        assert provider.connections == 2
    await narrow.close()


async def test_who_stops_waiting_takes_no_connection_with_them():
    narrow = HttpTransport(connect_timeout_seconds=2, max_connections_per_host=1)
    async with stub.serve((0.05, *OK)) as provider:
        first, *others = [asyncio.create_task(read(narrow, provider.url)) for _ in range(4)]
        await provider.has_received.wait()
        others[0].cancel()
        first.cancel()
        await asyncio.gather(first, others[0], return_exceptions=True)

        assert await asyncio.gather(*others[1:]) == [b'{"fine":true}'] * 2
    await narrow.close()
