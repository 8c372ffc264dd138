"""Redis URLs as people and hosting providers write them."""

import ssl

import pytest

from acron_site.lib.config import SettingsError
from acron_site.lib.redis_address import RedisAddress, parse


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", RedisAddress(host="localhost")),
        ("redis://cache", RedisAddress(host="cache")),
        ("redis://cache:6380/3", RedisAddress(host="cache", port=6380, database=3)),
        ("redis://cache/?db=4", RedisAddress(host="cache", database=4)),
        ("redis://[::1]:6380", RedisAddress(host="::1", port=6380)),
        ("redis://:p%40ss%2Fw@cache", RedisAddress(host="cache", password="p@ss/w")),
        ("redis://ada:secret@cache", RedisAddress(host="cache", username="ada", password="secret")),
        ("rediss://cache", RedisAddress(host="cache", is_tls=True)),
        (
            "rediss://cache?ssl_cert_reqs=none",
            RedisAddress(host="cache", is_tls=True, verifies_certificate=False),
        ),
        ("unix:///run/redis.sock", RedisAddress(path="/run/redis.sock")),
        ("unix:///run/my%20redis.sock?db=2", RedisAddress(path="/run/my redis.sock", database=2)),
        ("unix://:secret@/run/redis.sock", RedisAddress(path="/run/redis.sock", password="secret")),
    ],
)
def test_urls_are_read(url, address):
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("http://cache", "'http'"),
        ("cache:6379", "'cache'"),
        ("redis://cache:port", "cannot be read"),
        ("redis://cache/zero", "'zero'"),
        ("unix://", "no socket"),
    ],
)
def test_what_is_no_address_is_refused_with_an_example(url, match):
    with pytest.raises(SettingsError, match=match):
        parse(url)


def test_the_greeting_logs_in_and_selects():
    assert parse("redis://cache").greeting == ()
    assert parse("redis://:secret@cache/2").greeting == ((b"AUTH", b"secret"), (b"SELECT", b"2"))
    assert parse("redis://ada:secret@cache").greeting == ((b"AUTH", b"ada", b"secret"),)


def test_certificates_are_verified_unless_told_otherwise():
    strict, lax = (
        parse("rediss://cache").tls_context(),
        parse("rediss://cache?ssl_cert_reqs=none").tls_context(),
    )

    assert strict is not None
    assert strict.verify_mode is ssl.CERT_REQUIRED
    assert lax is not None
    assert lax.verify_mode is ssl.CERT_NONE
    assert parse("redis://cache").tls_context() is None


def test_the_password_does_not_show_itself():
    assert "secret" not in repr(parse("redis://:secret@cache"))
