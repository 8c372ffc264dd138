"""Secrets that were handed to the running product are nowhere to be found in what it keeps, logs and shows."""

import base64
import hashlib
import hmac
import http.cookiejar
import json
import os
import re
import secrets
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import redis

from accounts.encryption import cipher_from
from tests import live
from tests.journeys import hunting
from tests.live import Live

EMAIL = "sam@example.com"
OPENAI_MODEL = "gpt-5-nano"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One of its own that logs all it can, with a provider that nobody is behind."""
    settings = {
        "ASAHI_PROVIDERS_MOCK": "true",
        "DJANGO_LOG_LEVEL": "DEBUG",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{live.free_port()}/v1",
    }
    with live.running(tmp_path_factory.mktemp("talkative"), settings=settings) as running:
        yield running


class Caller:
    """A program with a key, or a browser with cookies."""

    def __init__(self, product: Live) -> None:
        self._base = product.base
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def call(self, method: str, path: str, body: Any = None, *, key: str = "") -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        data = None if body is None else json.dumps(body).encode()
        status, text = self._send(urllib.request.Request(self._base + path, data, headers, method=method))
        return status, json.loads(text or "null")

    def open(self, path: str) -> str:
        status, page = self._send(urllib.request.Request(self._base + path, headers={"Accept": "text/html"}))
        assert status < 500, (path, status)
        return page

    def submit(self, path: str, page: str = "", **fields: str) -> str:
        """Fills in the form of a page, which is opened first unless it is handed in."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page or self.open(path))
        assert token is not None, path
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token.group(1), **fields}).encode()
        headers = {"Accept": "text/html", "Referer": self._base + path}
        status, page = self._send(urllib.request.Request(self._base + path, form, headers))
        assert status < 500, (path, status)
        return page

    def _send(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def fresh(name: str) -> str:
    """Something secret that stands nowhere else: with a quote, which JSON and addresses write in another way."""
    return f'{name} "{secrets.token_urlsafe(12)}" ü'


def test_secrets_are_nowhere(product):
    planted = {**live_a_day(product), **live_a_day_in_the_browser(product)}
    tokens = links_in_the_post(product)
    assert set(tokens) >= {"reset link", "invitation link"}
    for link in tokens.values():
        Caller(product).open(f"{link}x")  # nobody's, but nearly somebody's

    found = hunting.find(
        {
            **{name: hunting.spellings(text) for name, text in planted.items()},
            # long and random: their digests can be kept
            **{name: hunting.spellings(link.rpartition("/")[2], digests=False) for name, link in tokens.items()},
        },
        everywhere(product),
    )

    assert found == [], "\n".join(found)


def live_a_day(product: Live) -> dict[str, str]:
    """What programs do, with everything they hand over and get that is secret."""
    caller = Caller(product)
    keys, passwords = sign_up_and_log_in(caller)
    admin = keys["sign-up key"]
    keys |= make_keys(caller, admin)
    provider_key = bring_provider_key(caller, admin)
    texts = ask_models(caller, keys)
    assert caller.call("POST", "/auth/logout", {}, key=keys["log-in key"])[0] == 204
    for path in ("/governance/audit", "/governance/api-keys", "/governance/members", "/openapi.json"):
        assert caller.call("GET", path, key=admin)[0] == 200, path
    # the public part of a key is public: what proves it is not
    parts = {f"secret of {name}": text.rpartition("_")[2][:32] for name, text in keys.items()}
    return {**passwords, **keys, **parts, **texts, "provider key": provider_key}


def sign_up_and_log_in(caller: Caller) -> tuple[dict[str, str], dict[str, str]]:
    """The keys, and the passwords, right and wrong."""
    password, wrong = fresh("password"), fresh("wrong password")
    account = expect(
        201, caller.call("POST", "/auth/signup", {"email": EMAIL, "password": password, "org_name": "Sam"})
    )
    logged_in = expect(200, caller.call("POST", "/auth/login", {"email": EMAIL, "password": password}))
    expect(401, caller.call("POST", "/auth/login", {"email": EMAIL, "password": wrong}))
    expect(401, caller.call("POST", "/auth/login", {"email": "nobody@example.com", "password": wrong}))
    expect(409, caller.call("POST", "/auth/signup", {"email": EMAIL, "password": wrong}))
    keys = {"sign-up key": account["api_key"], "log-in key": logged_in["api_key"]}
    return keys, {"password": password, "wrong password": wrong}


def make_keys(caller: Caller, admin: str) -> dict[str, str]:
    near_miss = admin[:-1] + ("a" if admin[-1] != "a" else "b")
    expect(401, caller.call("GET", "/governance/api-keys", key=near_miss))
    expect(401, caller.call("POST", "/v1/chat/completions", {}, key=near_miss))
    new = {"name": "CI", "scopes": ["infer", "analytics"]}
    made = expect(201, caller.call("POST", "/governance/api-keys", new, key=admin))
    rolled = expect(201, caller.call("POST", f"/governance/api-keys/{made['id']}/roll", {}, key=admin))
    test = expect(201, caller.call("POST", "/governance/api-keys", {**new, "mode": "test"}, key=admin))
    made = {"new key": made["api_key"], "rolled key": rolled["api_key"], "test key": test["api_key"]}
    return {**made, "near miss": near_miss}


def bring_provider_key(caller: Caller, admin: str) -> str:
    provider_key, credential = f"sk-{secrets.token_urlsafe(30)}", "/governance/provider-credentials/openai"
    expect(200, caller.call("PUT", credential, {"api_key": provider_key}, key=admin))
    assert expect(200, caller.call("POST", f"{credential}/test", {}, key=admin))["ok"] is False
    invited = {"email": "grace@example.com", "role": "member"}
    expect(201, caller.call("POST", "/governance/invitations", invited, key=admin))
    return provider_key


def ask_models(caller: Caller, keys: dict[str, str]) -> dict[str, str]:
    """What was asked and answered."""
    texts = {name: fresh(name) for name in ("prompt", "system prompt", "broken prompt")}
    messages = [
        {"role": "system", "content": texts["system prompt"]},
        {"role": "user", "content": texts["prompt"]},
    ]
    chat = {"model": "mock-small", "messages": messages, "temperature": 0}
    for key in (keys["rolled key"], keys["rolled key"], keys["test key"]):  # the second one comes from the cache
        answer = expect(200, caller.call("POST", "/v1/chat/completions", chat, key=key))
    broken = {"model": "no-such-model", "messages": [{"role": "user", "content": texts["broken prompt"]}]}
    expect(404, caller.call("POST", "/v1/chat/completions", broken, key=keys["rolled key"]))
    infer = {"prompt": texts["prompt"], "model_override": "mock-small"}
    expect(200, caller.call("POST", "/infer", infer, key=keys["new key"]))
    # goes to the organization's own provider, whose key would be in the complaint
    expect(502, caller.call("POST", "/v1/chat/completions", {**chat, "model": OPENAI_MODEL}, key=keys["new key"]))
    return {**texts, "answer": answer["choices"][0]["message"]["content"]}


def expect(status: int, answered: tuple[int, Any]) -> Any:
    assert answered[0] == status, answered
    return answered[1]


def live_a_day_in_the_browser(product: Live) -> dict[str, str]:
    browser, password, wrong = Caller(product), fresh("browser password"), fresh("wrong browser password")
    email = "bea@example.com"
    assert browser.call("POST", "/auth/signup", {"email": email, "password": password})[0] == 201
    browser.submit("/login", login=email, password=wrong)
    browser.submit("/login", login=email, password=password)
    browser.submit("/reauthenticate", password=password)
    page = browser.open("/profile/security/app/add")
    shown = re.search(r"\b[A-Z2-7]{32}\b", page)
    assert shown is not None, page
    browser.submit("/profile/security/app/add", page, code=totp(shown.group()))
    codes = re.findall(r"(?<![\w-])[0-9]{8}(?![\w-])", browser.open("/profile/security/recovery-codes"))
    assert len(set(codes)) >= 10
    browser.submit("/password/reset", email=EMAIL)
    found = {f"recovery code {number}": code for number, code in enumerate(codes)}
    return {"browser password": password, "wrong browser password": wrong, "TOTP secret": shown.group(), **found}


def totp(secret: str) -> str:
    """The six digits that an authenticator shows now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def links_in_the_post(product: Live) -> dict[str, str]:
    """What the waiting emails say, which only the holder of the encryption key can read."""
    cipher = cipher_from(product.environ["ASAHI_ENCRYPTION_KEY"])
    with psycopg.connect(product.environ["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT id, sealed FROM accounts_outgoingemail").fetchall()
    texts = [
        orjson.loads(cipher.open(bytes(sealed), aad=f"outgoing_email:{row}".encode()))["text"] for row, sealed in rows
    ]
    links = [link for text in texts for link in re.findall(r"https?://[^/\s]+(/\S+)", text)]
    kinds = {"reset link": "/password/reset/key/", "invitation link": "/invitations/", "verification": "/verify-email/"}
    return {name: link for name, path in kinds.items() for link in links if link.startswith(path)}


def everywhere(product: Live) -> Iterator[tuple[str, bytes]]:
    """The log, the journal, the database, Redis and their logs, what runs, and what is shown to whoever watches."""
    _, _, metrics = product.call("/metrics", headers={"Accept": "text/plain"})
    log = (product.data_dir / "product.log").read_bytes()
    assert b"DEBUG" in log  # it does log
    return chain(
        hunting.files(product.data_dir),
        hunting.files(Path(os.environ["ASAHI_STORAGE_DATA_DIR"]), "*log*"),
        hunting.database(product.environ["DATABASE_URL"]),
        hunting.store(product.environ["REDIS_URL"]),
        hunting.processes(),
        [("metrics", str(metrics).encode()), ("health", json.dumps(product.call("/health")[2]).encode())],
    )


# the hunt itself


@pytest.mark.parametrize("spelling", hunting.spellings("S3cret"))
@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"\x00\xff\n"])
def test_a_planted_secret_is_found_in_each_spelling(spelling, before):
    ways = hunting.spellings("S3cret")

    found = hunting.find({"password": ways}, iter([("log", before + ways[spelling] + b"!"), ("other", b"nothing")]))

    assert f"password as {spelling} in log" in found
    assert all(each.endswith("in log") for each in found)


@pytest.mark.parametrize("length", range(8, 14))
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "y", "yz"])
def test_a_secret_inside_of_something_encoded_is_found(length, before, after):
    secret = "S3cretS3cretS3cret"[:length]
    encoded = base64.b64encode(f"{before}{secret}{after}".encode())

    assert hunting.find({"password": hunting.spellings(secret)}, iter([("log", encoded)])) != []


def test_what_is_planted_in_database_redis_and_files_is_found(product, tmp_path):
    secret = secrets.token_hex(16)
    ways = {"secret": hunting.spellings(secret)}
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.log").write_text(f"key={secret}")
    with psycopg.connect(product.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE planted (text text, bytes bytea)")
        digest = hashlib.sha256(secret.encode()).digest()
        connection.execute("INSERT INTO planted VALUES (%s, %s)", [secret, digest])
        connection.commit()
        in_database = hunting.find(ways, hunting.database(product.environ["DATABASE_URL"]))
        connection.execute("DROP TABLE planted")
    with redis.Redis.from_url(product.environ["REDIS_URL"]) as client:
        client.hset("planted", "field", secret.encode().hex())
        in_redis = hunting.find(ways, hunting.store(product.environ["REDIS_URL"]))
        client.delete("planted")

    assert "secret as clear in table planted" in in_database
    assert "secret as sha256 in hex in table planted" in in_database
    assert "secret as sha256 in bytes of table planted" in in_database
    assert "secret as hex in Redis 0 under b'planted'" in in_redis
    assert hunting.find(ways, hunting.files(tmp_path)) == ["secret as clear in file deep/x.log"]
