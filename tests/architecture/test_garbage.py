"""Whatever is sent to an address, it answers in the one error shape or with a page, and never with a 5xx.

Each line of the ACCESS table is called by somebody who may, with bodies, queries and addresses that nobody means. The
seed is the line's own name, so that a failure comes again.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from drf_spectacular.generators import SchemaGenerator

from acron_site.lib import api
from tests.accounts.conftest import PASSWORD, Person
from tests.architecture.test_access import BACKEND, LINES, Line

ROUNDS = 3  # of each kind; raise it for a longer hunt
ERROR = {"message", "type", "param", "code", "request_id"}

NASTY_TEXTS = (
    "", " ", "\x00", "a\x00b", "\r\nBcc: all@example.com", "\u202egnp.exe", "\ufffe", "x" * 10_000, "9" * 400, "-1",
    "0", "1e400", "NaN", "-Infinity", "0x10", "١٢", "null", "[]", "{}", "true", "' OR 1=1 --", "{{ 7 * 7 }}",
    "<script>alert(1)</script>", "../../etc/passwd", "%00", "%ff", "a@b", "\uff41da@example.com", "ada@example.com\x00",
    "2026-02-30", "9999-12-31T23:59:59+00:00", "0001-01-01", "10000-01-01", "2026-01-01T00:00:00+99:00",
    "00000000-0000-0000-0000-000000000000", "{00000000000000000000000000000000}", "//evil.example", "\U0001f4a9" * 300,
)  # fmt: skip
NASTY_VALUES: tuple[Any, ...] = (
    *NASTY_TEXTS, None, True, 0, -1, 2**31, 2**63, 2**64, 10**400, -(2**63) - 1, 1.5, 1e308, [], {}, [[]], [None],
    [1, "a"], ["a"] * 2_000, {"a": {"b": []}}, [{"a": 1}], "\ud800",
)  # fmt: skip
NASTY_BODIES = (
    b"", b" ", b"null", b"[]", b'"text"', b"1", b"{", b"{}", b"\x00", b"\xff\xfe{}", b'{"a": "\xff"}', b'{"a": NaN}',
    b'{"a": "\\ud800"}', b'{"a": "\\u0000"}', b"[" * 100_000, b'{"a":' * 5_000, b'{"a": 1e999}', b"\xef\xbb\xbf{}",
    b'{"name": "a", "name": "b"}', b"%", b"a=%ff&b=%00", b"=&&==", b"x" * 300_000,
    b"&".join(b"a%d=1" % number for number in range(1_500)),
)  # fmt: skip
TYPES = (
    "application/json", "application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data",
    "multipart/form-data; boundary=a", "application/json; charset=utf-7", "application/json; charset=\x80", "a/b/c",
)  # fmt: skip
QUERIES = (
    "limit", "after", "next", "from", "until", "action", "actor", "object", "format", "verify", "show", "export",
    "status", "model", "key", "theme", "page", "tag", "user", "%00", "%ff", "",
)  # fmt: skip


@pytest.mark.parametrize("line", [line for line in LINES if not line.rule.is_for_operators], ids=str)
def test_no_garbage_breaks_an_address(ada, fields, line):
    chance = random.Random(str(line))
    caller = Caller(ada, line)

    for attempt in attempts(line, caller, fields, chance):
        response = caller.send(*attempt)

        assert is_answer(response, is_program=caller.is_program), (attempt, response.status_code, shown(response))


def test_an_address_that_breaks_is_noticed(ada, settings, fields):
    settings.ROOT_URLCONF = Broken
    line = next(line for line in LINES if str(line) == "POST /auth/signup")
    caller = Caller(ada, line)

    answers = [caller.send(*each) for each in attempts(line, caller, fields, random.Random(0))]

    assert not all(is_answer(each, is_program=True) for each in answers)


class Broken:
    """Addresses one of which takes its body to be what it should be."""

    @staticmethod
    def _sign_up(request: Any) -> HttpResponse:
        return HttpResponse(json.loads(request.body)["email"].strip())

    urlpatterns = [path("auth/signup", _sign_up)]
    handler400, handler403, handler404, handler500 = api.handler400, api.handler403, api.handler404, api.handler500


@pytest.fixture(scope="module")
def fields() -> Mapping[tuple[str, str], list[str]]:
    """What the API's own document says can be sent to which address."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    return {
        (route.strip("/"), method.upper()): _names(document, operation)
        for route, methods in document["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict)
    }


def _names(document: Mapping[str, Any], operation: Mapping[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    queried = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    return [*document["components"]["schemas"].get(reference, {}).get("properties", {}), *queried]


Attempt = tuple[str, bytes, str, str]  # address, body, its type, what the caller reads


def attempts(
    line: Line, caller: "Caller", fields: Mapping[tuple[str, str], list[str]], chance: random.Random
) -> Iterator[Attempt]:
    """Garbage for one address: near to what it takes, far from it, in its query, and in the address itself."""
    names = sorted({*caller.body, *caller.form_fields(), *fields.get((_plain(line.route), line.method), ())})
    reads = "application/json" if caller.is_program else "text/html"
    for _ in range(ROUNDS):
        if line.method != "GET":
            yield caller.address, *_near(caller, names, chance), reads
            yield caller.address, chance.choice(NASTY_BODIES), chance.choice(TYPES), reads
        yield f"{caller.address}?{_query(names, chance)}", b"", TYPES[0], chance.choice((reads, "*/*", "image/png"))
        if "<" in line.route:
            yield _other_address(line.route, chance), b"{}", TYPES[0], reads


def _plain(route: str) -> str:
    """As the API's document writes it: things/{id}."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def _near(caller: "Caller", names: list[str], chance: random.Random) -> tuple[bytes, str]:
    """What the address takes, but for some fields."""
    odd = chance.sample(names, min(len(names), chance.randint(1, 2)))
    if caller.is_program:
        body = {**caller.body, **{name: chance.choice(NASTY_VALUES) for name in odd}}
        return json.dumps(body).encode(), "application/json"
    body = {**caller.body, **{name: chance.choice(NASTY_TEXTS) for name in odd}}
    return "&".join(f"{quote_plus(name)}={quote_plus(str(value))}" for name, value in body.items()).encode(), TYPES[1]


def _query(names: list[str], chance: random.Random) -> str:
    asked = chance.sample([*QUERIES, *names], 3)
    return "&".join(f"{name}={chance.choice(('%00', '%ff', quote(chance.choice(NASTY_TEXTS))))}" for name in asked)


def _other_address(route: str, chance: random.Random) -> str:
    def odd(_match: re.Match[str]) -> str:
        text = quote(chance.choice(NASTY_TEXTS)[:2_000], safe="") or "%20"
        return chance.choice((text, "%ff%fe", "00000000-0000-0000-0000-000000000000", "99999999999999999999999"))

    return "/" + re.sub(r"<[^>]+>", odd, route)


class Caller:
    """Somebody who may call this address. What they do is undone after each call."""

    def __init__(self, owner: Person, line: Line) -> None:
        rule, made = line.rule, line.rule.make(owner.organization) if line.rule.make else {}
        self.is_program = line.takes_key or (rule.is_open and not rule.is_form and _is_for_programs(line.route))
        self.body = dict(rule.body(owner.organization) if callable(rule.body) else rule.body)
        self.address = "/" + line.route
        for name, value in made.items():
            self.address = re.sub(rf"<(\w+:)?{name}>", str(value), self.address)
        self._line, self._client = line, Client(raise_request_exception=False)
        if line.takes_key:
            self._client.defaults["HTTP_X_API_KEY"] = owner.api_key
        if rule.page:
            self._client.force_login(owner.user, backend=BACKEND)
            self._client.post("/reauthenticate", {"password": PASSWORD})
        self._cookies = {name: cookie.value for name, cookie in self._client.cookies.items()}

    def form_fields(self) -> list[str]:
        """What the page itself would send."""
        if self.is_program:
            return []
        page = self._client.get(self.address)
        text = b"" if page.streaming else page.content
        return sorted({name.decode() for name in re.findall(rb'<(?:input|select|textarea)[^>]* name="([^"]+)"', text)})

    def send(self, address: str, body: bytes, content_type: str, reads: str) -> Any:
        cache.clear()  # the throttles are not what is tried
        self._client.cookies.clear()
        for name, value in self._cookies.items():
            self._client.cookies[name] = value
        with transaction.atomic():
            response = self._client.generic(
                self._line.method, address, body, content_type=content_type, headers={"accept": reads}
            )
            transaction.set_rollback(True)
        return response


def _is_for_programs(route: str) -> bool:
    return route.startswith("auth/")


def is_answer(response: Any, *, is_program: bool) -> bool:
    """Anything but a fault of ours; a program can read why it was refused."""
    if response.status_code >= 500:
        return False
    if response.status_code < 400 or not is_program or response.headers.get("Content-Type") != "application/json":
        return True
    return set(response.json()["error"]) == ERROR and bool(response.json()["error"]["message"])


def shown(response: Any) -> object:
    cause: Callable[[], Any] | None = getattr(response, "exc_info", None)
    return cause or b"" if response.streaming else (cause, response.content[:300])
