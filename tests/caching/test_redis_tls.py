"""Redis over TLS: the certificate is checked before the password is sent."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class TlsRedis:
    port: int
    certificate: Path
    heard: list[bytes]


@pytest.fixture
async def tls_redis(server, tmp_path) -> AsyncIterator[TlsRedis]:
    """TLS in front of a real Redis, under a certificate for 127.0.0.1 that signs itself."""
    certificate, heard = _make_certificate(tmp_path), []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    tasks = []

    async def relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            heard.append(data)
            sink.write(data)
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(server.socket_path)
        tasks.append(asyncio.create_task(relay(inner_reader, writer)))
        tasks.append(asyncio.create_task(relay(reader, inner_writer)))

    listener = await asyncio.start_server(serve, "127.0.0.1", ssl=context)
    yield TlsRedis(listener.sockets[0].getsockname()[1], certificate, heard)
    listener.close()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_certificate_of_the_given_authority_is_accepted(tls_redis, open_store):
    store = open_store(f"rediss://127.0.0.1:{tls_redis.port}?ssl_ca_certs={tls_redis.certificate}")

    store.put(b"key", bytes(300_000), 60)

    assert await store.get(b"key") == bytes(300_000)
    await store.close()


async def test_an_unknown_certificate_is_refused_before_the_password_is_sent(tls_redis, open_store, caplog):
    store = open_store(f"rediss://:secret@127.0.0.1:{tls_redis.port}")

    assert await store.get(b"key") is None

    assert not await store.is_up()
    assert "certificate" in caplog.text.lower()
    assert tls_redis.heard == []
    await store.close()


async def test_an_unknown_certificate_is_accepted_when_the_url_says_so(tls_redis, open_store):
    store = open_store(f"rediss://127.0.0.1:{tls_redis.port}?ssl_cert_reqs=none")

    store.put(b"key", b"value", 60)

    assert await store.get(b"key") == b"value"
    await store.close()


def _make_certificate(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test redis")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "redis.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
