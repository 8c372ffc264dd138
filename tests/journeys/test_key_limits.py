"""Keys with limits, as somebody meets them who has the openai package and nothing else."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.live import Live


class Client(OpenAI):
    """Counts what goes over the wire, retries included."""

    sent = 0


@pytest.fixture
def client_of() -> Iterator[Callable[..., Any]]:
    """An openai client for a key; it retries as it does out of the box, unless the test says otherwise."""
    with ExitStack() as stack:
        yield lambda product, key, **options: stack.enter_context(_client(product, key, **options))


def _client(product: Live, key: str, **options: Any) -> Client:
    def count(_: object) -> None:
        client.sent += 1

    http = openai.DefaultHttpxClient(event_hooks={"request": [count]})
    client = Client(base_url=f"{product.base}/v1", api_key=key, http_client=http, **options)
    return client


def make(product: Live, name: str, **fields: Any) -> dict[str, Any]:
    status, _, made = product.call("/governance/api-keys", {"name": name, "scopes": ["infer"], **fields})
    assert status == 201, made
    return dict(made)


def roll(product: Live, key: dict[str, Any]) -> dict[str, Any]:
    status, _, made = product.call(f"/governance/api-keys/{key['id']}/roll", {})
    assert status == 201, made
    return dict(made)


def ask(client: Client, text: str, model: str = "mock-small", **options: Any) -> Any:
    return client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": text}], **options
    )


def test_three_requests_a_minute_are_three_and_the_refusal_says_when_to_come_back(product, client_of):
    client = client_of(product, make(product, "slow", requests_per_minute=3)["api_key"], max_retries=0)

    answers = [ask(client, "the same question") for _ in range(3)]
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client, "the same question")

    assert [each.headers["x-ratelimit-remaining-requests"] for each in answers] == ["2", "1", "0"]
    assert {each.headers["x-ratelimit-limit-requests"] for each in answers} == {"3"}
    assert answers[2].headers["x-acron-cache"] == "HIT-T1"
    headers = refused.value.response.headers
    assert refused.value.code == "rate_limit_exceeded"
    assert 0 < int(headers["retry-after"]) <= 65
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-reset-requests"].endswith("s")


def test_tokens_a_minute_are_told_and_held(product, client_of):
    client = client_of(product, make(product, "short", tokens_per_minute=500)["api_key"])

    answer = ask(client, "a short question", max_tokens=100)
    with pytest.raises(openai.RateLimitError, match="lower max_tokens"):
        ask(client, "a long answer", max_tokens=5_000)

    assert answer.headers["x-ratelimit-limit-tokens"] == "500"
    assert 0 < int(answer.headers["x-ratelimit-remaining-tokens"]) < 500
    assert client.sent == 2


def test_a_key_for_one_model_sees_and_uses_that_one(product, client_of):
    client = client_of(product, make(product, "one model", allowed_models=["mock-medium"])["api_key"])

    assert ask(client, "by name", "mock-medium").headers["x-acron-model"] == "mock-medium"
    assert ask(client, "automatically", "auto").headers["x-acron-model"] == "mock-medium"
    with pytest.raises(openai.PermissionDeniedError, match="it may use mock-medium") as refused:
        ask(client, "by name", "mock-small")

    assert refused.value.code == "model_not_allowed"
    listed = {each.id for each in client.models.list()}
    assert "mock-medium" in listed
    assert listed.isdisjoint({"mock-small", "mock-large"})


def test_a_budget_that_is_used_up_is_refused_once_and_not_tried_again(product, client_of):
    client = client_of(product, make(product, "poor", monthly_budget_usd="0.0001")["api_key"])

    with pytest.raises(openai.RateLimitError) as refused:
        ask(client, "expensive", "mock-large")

    assert refused.value.code == "budget_exceeded"
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert client.sent == 1


def test_a_rolled_key_keeps_its_budget_and_its_minute(product, client_of):
    old = make(product, "rolled", monthly_budget_usd="0.05", requests_per_minute=40)
    first = ask(client_of(product, old["api_key"]), "tell me about rivers", "mock-large", max_tokens=300)
    spent = first.headers["x-acron-cost"]

    new = roll(product, roll(product, old))
    answer = ask(client_of(product, new["api_key"]), "tell me about rivers", "mock-large", max_tokens=300)

    told = [product.call("/v1/key", key=each["api_key"])[2] for each in (old, new)]
    assert float(spent) > 0
    assert answer.headers["x-acron-cache"] == "HIT-T1"
    assert answer.headers["x-ratelimit-remaining-requests"] == "38"
    assert [each["id"] for each in told] == [old["id"], new["id"]]
    assert [each["spend"]["this_month_usd"] for each in told] == [spent, spent]
    with pytest.raises(openai.RateLimitError, match=f"{float(spent):f}".rstrip("0")):
        ask(client_of(product, new["api_key"]), "too much", "mock-large", max_tokens=4_000)


def test_a_key_works_from_its_networks_only(product, client_of):
    here = make(product, "from here", allowed_networks=["127.0.0.1"])["api_key"]
    elsewhere = make(product, "from elsewhere", allowed_networks=["10.0.0.0/8"])["api_key"]

    assert ask(client_of(product, here), "from here").status_code == 200
    with pytest.raises(openai.PermissionDeniedError, match=r"may not be used from 127\.0\.0\.1") as refused:
        ask(client_of(product, elsewhere), "from here")

    assert refused.value.code == "address_not_allowed"


def test_a_key_ends_when_it_was_to_end(product, client_of):
    ends_at = datetime.now(UTC) + timedelta(seconds=2)
    client = client_of(product, make(product, "short-lived", expires_at=ends_at.isoformat())["api_key"])
    assert ask(client, "still alive").status_code == 200

    time.sleep((ends_at - datetime.now(UTC)).total_seconds())

    with pytest.raises(openai.AuthenticationError, match="has expired"):
        ask(client, "still alive")
