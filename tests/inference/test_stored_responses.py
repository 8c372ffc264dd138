"""Responses kept at OpenAI, through the door: an organization's own key reaches them, nobody else does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from accounts.encryption import cipher_from
from accounts.principal import Principal
from acron_site.lib.outbound import reach_from
from inference.catalog import ProviderEntry
from inference.provider_directory import Providers
from inference.providers.transport import HttpTransport
from inference.stored_responses import StoredResponses
from tests.inference import stub
from tests.inference.asgi import Response, call
from tests.inference.doors import key, make_door
from tests.inference.kit import ADA, Kit
from tests.inference.test_own_provider_keys import with_key

CIPHER = cipher_from("a passphrase")
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed"}


class Installation:
    """A door whose Ada has a key of her organization's own at OpenAI, which is the stub."""

    def __init__(self, provider: stub.Stub) -> None:
        self.provider = provider
        reach = reach_from("127.0.0.1")
        self.providers = Providers(HttpTransport(), CIPHER, guarded=HttpTransport(reach=reach), reach=reach)
        self.listed = (
            ProviderEntry("anthropic", "anthropic", "http://127.0.0.1:9", "ANTHROPIC_API_KEY"),
            ProviderEntry("openai", "openai", f"{provider.url}/v1", "OPENAI_API_KEY"),
        )

    def shelf_of(self, principal: Principal) -> Any:
        owner = with_key(principal, "adas", cipher=CIPHER) if principal is ADA else principal
        return self.providers.shelf_of(self.listed, owner)

    async def call(self, path: str, *, method: str = "GET", name: str = "ada") -> Response:
        door = make_door(Kit(), StoredResponses(self.shelf_of))
        return await call(door, path, method=method, headers=key(name))


@pytest.fixture
async def kept() -> AsyncIterator[Installation]:
    async with stub.serve((stub.answer(RESPONSE),)) as provider:
        installation = Installation(provider)
        yield installation
        await installation.providers.close()


@pytest.mark.parametrize(
    ("method", "path", "arrives"),
    [
        ("GET", "/v1/responses/resp_1", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel", "/v1/responses/resp_1/cancel"),
        (
            "GET",
            "/v1/responses/resp_1/input_items?limit=5&order=asc&after=msg_1&include[]=a.b&include[]=c&evil=1&stream=false",
            "/v1/responses/resp_1/input_items?limit=5&order=asc&after=msg_1&include%5B%5D=a.b&include%5B%5D=c",
        ),
        ("GET", "/v1/responses/resp_1?after=a%26b%3Dc", "/v1/responses/resp_1?after=a%26b%3Dc"),
    ],
)
async def test_an_own_key_reaches_what_is_kept_under_it(kept, method, path, arrives):
    answer = await kept.call(path, method=method)

    assert (answer.status, answer.json()) == (200, RESPONSE)
    (received,) = kept.provider.received
    assert received.method == method
    assert received.path.replace("%5B", "[").replace("%5D", "]") == arrives.replace("%5B", "[").replace("%5D", "]")
    assert received.headers["authorization"] == "Bearer adas"


async def test_without_an_own_key_nothing_is_found_and_nobody_asked(kept):
    answer = await kept.call("/v1/responses/resp_1", name="mallory")

    assert (answer.status, answer.json()["error"]["code"]) == (404, "not_found")
    assert "/settings/providers" in answer.json()["error"]["message"]
    assert kept.provider.received == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/responses/", 404),
        ("GET", "/v1/responses/msg_1", 404),
        ("GET", "/v1/responses/resp_1/", 404),
        ("GET", "/v1/responses/resp_../../models", 404),
        ("GET", "/v1/responses/resp_1/../../models", 404),
        ("GET", f"/v1/responses/resp_{'x' * 201}", 404),
        ("GET", "/v1/responses/resp_ü", 404),
        ("GET", "/v1/responses/resp_1\n", 404),
        ("PUT", "/v1/responses/resp_1", 405),
        ("DELETE", "/v1/responses/resp_1/input_items", 405),
        ("GET", "/v1/responses/resp_1/cancel", 405),
        ("GET", "/v1/responses/resp_1?stream=true", 400),
        ("GET", "/v1/responses/resp_1?" + "&".join(["a=b"] * 40), 400),
    ],
)
async def test_other_addresses_are_refused_before_anybody_is_asked(kept, method, path, status):
    answer = await kept.call(path, method=method)

    assert answer.status == status
    assert answer.json()["error"]["message"]
    assert kept.provider.received == []


async def test_a_key_is_needed(kept):
    assert (await kept.call("/v1/responses/resp_1", name="nobody")).status == 401
    assert (await kept.call("/v1/responses/resp_1", name="reader")).status == 403


@pytest.mark.parametrize(
    ("upstream", "status", "code"),
    [
        (stub.answer({"error": {"message": "No such response."}}, status=404), 404, "not_found"),
        (stub.answer({"error": {"message": "not yet"}}, status=400), 400, "invalid_request_error"),
        (stub.answer({"error": {"message": "Bad key."}}, status=401), 502, "upstream_error"),
        (stub.answer({}, status=500), 502, "upstream_error"),
        (stub.answer(b"<html>"), 502, "upstream_error"),
        (stub.answer(b"[]"), 502, "upstream_error"),
    ],
)
async def test_what_openai_refuses_is_told_in_our_words(upstream, status, code):
    async with stub.serve((upstream,)) as provider:
        installation = Installation(provider)
        answer = await installation.call("/v1/responses/resp_1")
        await installation.providers.close()

    assert (answer.status, answer.json()["error"]["code"]) == (status, code)


async def test_test_keys_have_nothing_kept(kept):
    tester = with_key(Principal(ADA.organization_id, ADA.scopes, is_test=True), "adas", cipher=CIPHER)

    assert kept.providers.shelf_of(kept.listed, tester) is None
