"""An organization's own keys at work: who is called, with which key, and what becomes real by them."""

import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from accounts import provider_keys
from accounts.encryption import Cipher, cipher_from
from accounts.principal import Principal, ProviderKey
from accounts.provider_keys import UnreadableProviderKeyError
from acron_site.lib.errors import NoModelsAvailableError, UpstreamError, UpstreamUnreachableError
from acron_site.lib.ids import uuid7
from acron_site.lib.outbound import reach_from
from caching.backends.memory import MemoryStore
from caching.exact import ExactCache
from caching.policies import Policies
from inference import catalog as catalogs
from inference.accounting import Accountant
from inference.calling import CallParts
from inference.pipeline import Gateway
from inference.prompt_caching import PromptCaching
from inference.provider_directory import Providers
from inference.providers.transport import HttpTransport
from inference.resilience.retries import RetryBudget
from inference.routing.router import Router
from inference.token_count import TokenCounter
from tests.inference import stub
from tests.inference.kit import (
    ADA,
    MALLORY,
    OpenSwitchboard,
    Present,
    RememberedLedger,
    allowances,
    ask,
    keeping_parts,
    sharing_parts,
    text_of,
)
from tests.inference.messages_kit import message_ask

CIPHER = cipher_from("a passphrase")
MODELS = """
providers:
  openai: {{kind: openai, base_url: "{url}/v1", api_key_env: OPENAI_API_KEY}}
  anthropic: {{kind: anthropic, base_url: "{url}", api_key_env: ANTHROPIC_API_KEY}}
  mock: {{kind: mock}}
models:
  bright:
    provider: openai
    context_window: 1000
    quality: {{default: 4}}
    prices: {{source: invented, as_of: 2026-11-12, standard: {{input: 2, output: 8}}}}
  elsewhere:
    provider: openai
    base_url: "{url}/other/v1"
    context_window: 1000
    quality: {{default: 4}}
    prices: {{source: invented, as_of: 2026-11-12, standard: {{input: 5, output: 9}}}}
  retired:
    provider: openai
    snapshots: {{retired-2020-01-01: {{retires_on: 2020-01-02}}}}
    quality: {{default: 4}}
  wise:
    provider: anthropic
    context_window: 1000
    max_output_tokens: 100
    quality: {{default: 4}}
    prices: {{source: invented, as_of: 2026-11-12, standard: {{input: 1, output: 4}}}}
  mock-small:
    provider: mock
    context_window: 1000
    quality: {{default: 4}}
    prices: {{source: invented, as_of: 2026-11-12, standard: {{input: 1, output: 1}}}}
"""
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "bright",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Really: Paris"}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}
REAL = (stub.answer(COMPLETION),)


def with_key(
    principal: Principal, secret: str, *, provider: str = "openai", cipher: Cipher = CIPHER, base_url: str = ""
) -> Principal:
    sealed = cipher.seal(secret.encode(), aad=provider_keys.place_of(principal.organization_id, base_url))
    return replace(principal, provider_keys=(ProviderKey(uuid7(), provider, sealed, base_url),))


class Installation:
    """A gateway with real provider calls, to the stub; `mock`: as it runs without any key of the operator."""

    def __init__(
        self, provider: stub.Stub, folder: Path, *, mock: bool, environ: dict[str, str], private_hosts: str
    ) -> None:
        path = folder / "models.yaml"
        path.write_text(MODELS.format(url=provider.url), encoding="utf-8")
        self.provider, self.ledger = provider, RememberedLedger()
        self.catalog = catalogs.load(path, environ, mock=mock, today=date(2026, 11, 12))
        self.router = Router(self.catalog, default_quality_threshold=3.5)
        cache = ExactCache(MemoryStore(1_000_000), CIPHER, clock=time.time, max_entry_bytes=100_000)
        reach = reach_from(private_hosts)
        self.providers = Providers(
            HttpTransport(),
            CIPHER,
            guarded=HttpTransport(reach=reach),
            reach=reach,
            caching=PromptCaching(time.monotonic),
        )
        self.gateway = Gateway(
            catalog=self.catalog,
            router=self.router,
            cache=cache,
            calls=CallParts(self.providers.targets, OpenSwitchboard(), RetryBudget()),
            **sharing_parts(cache),
            ledger=self.ledger,
            accountant=Accountant(self.catalog),
            allowances=allowances(),
            **keeping_parts(self.router, cache, Policies()),
        )

    async def text(self, principal: Principal, model: str = "bright", question: str = "Where?") -> str:
        asked = replace(ask(question, model=model), started=time.perf_counter())
        return text_of(await self.gateway.answer(principal, asked, Present()))

    @property
    def keys_used(self) -> list[str]:
        return [received.headers.get("authorization", "") for received in self.provider.received]


@pytest.fixture
def installed(tmp_path, settings) -> Callable[..., Any]:
    @asynccontextmanager
    async def install(*scripts, mock=False, operators_key="sk-operator", private_hosts="127.0.0.1, own.corp"):
        environ = {"OPENAI_API_KEY": operators_key} if operators_key else {}
        settings.ENVIRON = environ
        async with stub.serve(*(scripts or (REAL,))) as provider:
            here = Installation(provider, tmp_path, mock=mock, environ=environ, private_hosts=private_hosts)
            try:
                yield here
            finally:
                await here.providers.close()

    return install


async def test_the_organizations_own_key_is_used_and_nobody_elses(installed):
    async with installed() as here:
        await here.text(with_key(ADA, "sk-ada-own"))
        await here.text(MALLORY)

        assert here.keys_used == ["Bearer sk-ada-own", "Bearer sk-operator"]


async def test_a_changed_key_is_used_from_the_next_request_on(installed):
    async with installed() as here:
        await here.text(with_key(ADA, "sk-ada-first"), question="one")
        await here.text(with_key(ADA, "sk-ada-second"), question="two")

        assert here.keys_used == ["Bearer sk-ada-first", "Bearer sk-ada-second"]


async def test_a_key_for_one_provider_leaves_the_others_with_the_operator(installed):
    async with installed() as here:
        await here.text(with_key(ADA, "sk-ant-own", provider="anthropic"))

        assert here.keys_used == ["Bearer sk-operator"]


async def test_answers_are_shared_within_the_organization_whichever_key_paid(installed):
    async with installed() as here:
        await here.text(ADA)
        await here.text(with_key(ADA, "sk-ada-own"))

        assert here.keys_used == ["Bearer sk-operator"]


async def test_a_key_that_does_not_open_is_an_error_and_never_the_operators_expense(installed):
    async with installed() as here:
        moved = replace(ADA, provider_keys=with_key(MALLORY, "sk-of-mallory").provider_keys)

        for unreadable in (moved, with_key(ADA, "sk-ada", cipher=cipher_from("another passphrase"))):
            with pytest.raises(UnreadableProviderKeyError, match="/settings/providers") as caught:
                await here.text(unreadable)

            assert caught.value.status == 503
        assert here.keys_used == []


async def test_a_model_on_a_server_of_its_own_is_never_sent_the_key(installed):
    async with installed(operators_key="") as here:
        await here.text(with_key(ADA, "sk-ada-own"), model="elsewhere")

        assert here.keys_used == [""]


async def test_test_keys_stay_with_the_mock_provider(installed):
    async with installed() as here:
        text = await here.text(replace(with_key(ADA, "sk-ada-own"), is_test=True))

        assert "Really" not in text
        assert here.keys_used == []


async def test_without_the_operators_key_an_own_one_opens_the_providers_models(installed):
    async with installed(operators_key="") as here:
        with pytest.raises(NoModelsAvailableError, match="OPENAI_API_KEY"):
            await here.text(ADA)

        assert await here.text(with_key(ADA, "sk-ada-own")) == "Really: Paris"


async def test_a_model_that_was_switched_off_is_not_opened_by_a_key(installed):
    async with installed(mock=True) as here:
        with pytest.raises(NoModelsAvailableError, match="switched it off"):
            await here.text(with_key(ADA, "sk-ada-own"), model="retired-2020-01-01")


async def test_where_answers_are_simulated_an_own_key_makes_them_real_at_once(installed):
    async with installed(mock=True, operators_key="") as here:
        invented = await here.text(ADA)
        real = await here.text(with_key(ADA, "sk-ada-own"))
        invented_again = await here.text(ADA)

        assert real == "Really: Paris"
        assert invented == invented_again != real
        assert [row.provider for row in here.ledger.rows.values()] == ["mock", "openai", "mock"]


async def test_whoever_brings_a_key_gets_invented_answers_only_by_asking_for_them(installed):
    async with installed(mock=True, operators_key="") as here:
        mine = with_key(ADA, "sk-ada-own")

        automatic = await here.text(mine, model="auto")
        named = await here.text(mine, model="wise")

        assert automatic == "Really: Paris"
        assert "Really" not in named


async def test_automatic_answers_from_before_the_key_are_not_served_after_it(installed):
    async with installed(mock=True, operators_key="") as here:
        before = await here.text(ADA, model="auto")
        after = await here.text(with_key(ADA, "sk-ada-own"), model="auto")

        assert before != after == "Really: Paris"


async def test_a_refused_own_key_is_not_blamed_on_the_operator(installed):
    async with installed((stub.answer({"error": {"message": "no"}}, status=401),)) as here:
        with pytest.raises(UpstreamError, match=r"your organization's credentials.*/settings/providers"):
            await here.text(with_key(ADA, "sk-ada-own"))


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "wise",
    "content": [{"type": "text", "text": "Really: Paris"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}


@pytest.mark.parametrize(
    ("model", "provider", "script", "path", "name"),
    [
        ("wise", "anthropic", stub.answer(MESSAGE), "/v1/messages", "x-api-key"),
        ("bright", "openai", REAL[0], "/v1/chat/completions", "authorization"),
    ],
)
async def test_messages_go_to_each_provider_in_its_own_words(installed, model, provider, script, path, name):
    async with installed((script,), mock=True) as here:
        asked = replace(message_ask(model=model), started=time.perf_counter())
        answer = await here.gateway.answer(with_key(ADA, "sk-own", provider=provider), asked, Present())

        sent = here.provider.received[0]
        assert (sent.path, sent.headers[name].removeprefix("Bearer ")) == (path, "sk-own")
        assert orjson.loads(answer.body)["content"] == [{"type": "text", "text": "Really: Paris"}]


@pytest.mark.parametrize(
    ("principal", "calls", "count"),
    [
        (with_key(ADA, "sk-own", provider="anthropic"), 1, 42),
        (replace(with_key(ADA, "sk-own", provider="anthropic"), is_test=True), 0, 11),
        (ADA, 0, 11),
    ],
)
async def test_tokens_are_counted_at_anthropic_with_a_real_key_only(installed, principal, calls, count):
    async with installed((stub.answer({"input_tokens": 42}),), mock=True) as here:
        counter = TokenCounter(router=here.router, targets=here.providers.targets, allowances=here.gateway.allowances)
        _, counted = await counter.count(principal, message_ask(model="wise"), Present())

        assert (counted, len(here.provider.received)) == (count, calls)


async def test_a_key_with_an_endpoint_of_its_own_is_sent_there_and_nowhere_else(installed):
    async with installed() as here, stub.serve(REAL) as own:
        text = await here.text(with_key(ADA, "sk-ada-own", base_url=f"{own.url}/azure/v1"))

        assert text == "Really: Paris"
        assert own.received[0].path == "/azure/v1/chat/completions"
        assert own.received[0].headers["authorization"] == "Bearer sk-ada-own"
        assert here.provider.received == []


async def test_an_endpoint_that_speaks_anthropics_api_is_asked_in_it(installed):
    refusal = (stub.answer({"type": "error", "error": {"type": "api_error", "message": "no"}}, status=500),)
    async with installed() as here, stub.serve(refusal) as own:
        with pytest.raises(UpstreamError):
            await here.text(with_key(ADA, "sk-ant-own", provider="anthropic", base_url=f"{own.url}/v1"), model="wise")

        assert own.received[0].path == "/v1/messages"
        assert own.received[0].headers["x-api-key"] == "sk-ant-own"


async def test_only_the_organization_that_has_it_is_sent_to_an_endpoint(installed):
    async with installed() as here, stub.serve(REAL) as own:
        await here.text(with_key(ADA, "sk-ada-own", base_url=own.url))
        await here.text(MALLORY)

        assert here.keys_used == ["Bearer sk-operator"]
        assert len(own.received) == 1


async def test_an_answer_of_an_own_endpoint_costs_what_the_catalogue_says(installed):
    async with installed() as here, stub.serve(REAL) as own:
        await here.text(with_key(ADA, "sk-ada-own", base_url=own.url))

        assert here.ledger.last.cost_usd == Decimal("0.000042")  # 9 at $2 and 3 at $8 a million


async def test_an_endpoint_whose_host_is_no_longer_listed_is_not_called(installed):
    async with installed(private_hosts="") as here, stub.serve(REAL) as own:
        with pytest.raises(UpstreamUnreachableError, match="/settings/providers"):
            await here.text(with_key(ADA, "sk-ada-own", base_url=own.url))

        assert (own.connections, here.keys_used) == (0, [])


async def test_a_row_whose_endpoint_was_changed_behind_our_back_does_not_open(installed):
    async with installed() as here, stub.serve(REAL) as elsewhere:
        mine = with_key(ADA, "sk-ada-own", base_url="https://own.example/v1")
        changed = replace(mine.provider_keys[0], base_url=elsewhere.url)

        with pytest.raises(UnreadableProviderKeyError):
            await here.text(replace(mine, provider_keys=(changed,)))

        assert elsewhere.connections == 0


async def test_an_own_endpoint_that_redirects_is_blamed_on_its_address_and_not_followed(installed):
    async with installed() as here, stub.serve(REAL) as inner:
        redirect = (stub.answer(b"", status=307, headers={"Location": inner.url}),)
        async with stub.serve(redirect) as own:
            with pytest.raises(UpstreamError, match=r"redirect.*/settings/providers"):
                await here.text(with_key(ADA, "sk-ada-own", base_url=own.url))

        assert inner.connections == 0


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "URL/latest/meta-data"}},
        {"type": "file", "file": {"file_data": "URL/latest/meta-data", "file_url": "URL/latest"}},
        {"type": "input_audio", "input_audio": {"data": "URL/latest", "url": "URL/latest"}},
    ],
    ids=lambda part: part["type"],
)
async def test_addresses_in_a_request_are_the_providers_to_fetch_and_never_ours(installed, part):
    async with installed() as here, stub.serve(REAL) as inner:
        named = orjson.loads(orjson.dumps(part).replace(b"URL", inner.url.encode()))
        content = [{"type": "text", "text": "What is this?"}, named]
        body = {"messages": [{"role": "user", "content": content}], "webhook": inner.url, "metadata": {"a": inner.url}}

        await here.gateway.answer(ADA, replace(ask(model="bright", **body), started=time.perf_counter()), Present())

        assert inner.connections == 0
        assert here.provider.received[0].json["messages"][0]["content"][1] == named


async def test_a_long_beginning_that_comes_again_is_marked_under_an_own_key_only(installed):
    told = stub.answer(MESSAGE)
    async with installed((told,), (told,), (told,), (told,)) as here:
        own = with_key(ADA, "sk-ant-own", provider="anthropic")
        for principal, question in ((own, "One?"), (own, "Two?")):
            asked = message_ask(question, model="wise", system="Answer briefly. " * 400)
            await here.gateway.answer(principal, replace(asked, started=time.perf_counter()), Present())

        first, second = (sent.json["system"] for sent in here.provider.received)
        assert isinstance(first, str)
        assert second[-1]["cache_control"] == {"type": "ephemeral"}
