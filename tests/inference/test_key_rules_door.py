"""What a key is held to, as its callers meet it at the door: limits told, models listed, and where they call from."""

import pytest

from accounts.limits.limiter import Limiter
from tests.inference.doors import CHAT
from tests.inference.kit import ADA, Kit
from tests.inference.ruled import at_the_door, budget, charged, key


@pytest.fixture
def kit(limiter: Limiter) -> Kit:
    return Kit(limiter=limiter, mock=True)


async def test_the_door_tells_how_the_limits_stand(kit):
    ada = key(requests_per_minute=2, tokens_per_minute=5000)

    answers = [await at_the_door(kit, ada) for _ in range(3)]

    assert [each.status for each in answers] == [200, 200, 429]
    assert [each.headers["x-ratelimit-remaining-requests"] for each in answers] == ["1", "0", "0"]
    assert answers[0].headers["x-ratelimit-limit-tokens"] == "5000"
    assert answers[0].headers["x-ratelimit-reset-requests"] in ("1m0s", *(f"1m{n}s" for n in range(6)))
    assert answers[2].json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < int(answers[2].headers["retry-after"]) <= 65


async def test_streams_and_infer_are_held_to_the_same_limits(kit):
    ada = key(requests_per_minute=2)

    stream = await at_the_door(kit, ada, body={**CHAT, "stream": True})
    infer = await at_the_door(kit, ada, "/infer", body={"prompt": "What is the capital of France?"})
    third = await at_the_door(kit, ada, "/infer", body={"prompt": "What is the capital of France?"})

    assert (stream.headers["x-ratelimit-remaining-requests"], infer.headers["x-ratelimit-remaining-requests"]) == (
        *("1", "0"),
    )
    assert third.status == 429


async def test_a_budget_that_is_used_up_asks_clients_not_to_try_again(kit):
    response = await at_the_door(kit, budget("0.0001"))

    assert (response.status, response.json()["error"]["code"]) == (429, "budget_exceeded")
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("allowed", "listed"),
    [
        ({"mock-large"}, {"auto", "acron-auto", "acron-guided", "mock-large"}),
        ({"small", "mock-unpriced"}, {"auto", "acron-auto", "acron-guided", "mock-small", "mock-unpriced"}),
        ({"mock-unpriced"}, {"mock-unpriced"}),
        ({"gone"}, set()),
    ],
)
async def test_only_the_allowed_models_are_listed(kit, allowed, listed):
    response = await at_the_door(kit, key(models=frozenset(allowed)), "/v1/models", method="GET")

    assert {entry["id"] for entry in response.json()["data"]} == listed


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("10.1.2.3", "", 200),
        ("192.0.2.1", "", 403),
        ("192.0.2.1", "10.1.2.3", 403),  # a stranger's claim
        ("127.0.0.1", "10.1.2.3", 200),  # our proxy says so
        ("127.0.0.1", "10.1.2.3, 192.0.2.1", 403),  # what the caller wrote in front does not count
        ("127.0.0.1", "192.0.2.1, 10.1.2.3", 200),
        ("127.0.0.1", "nonsense", 403),
        ("127.0.0.1", "", 403),
    ],
)
async def test_a_key_for_certain_networks_works_from_there_only(kit, peer, forwarded, status):
    response = await at_the_door(kit, key(networks=("10.0.0.0/8",)), peer=peer, forwarded=forwarded)

    assert response.status == status
    if status == 403:
        assert response.json()["error"]["code"] == "address_not_allowed"


async def test_a_key_can_see_how_its_limits_stand(kit, limiter):
    ada = budget("1", requests_per_minute=5, tokens_per_minute=5000, models=frozenset({"mock-small"}))
    answer = await at_the_door(kit, ada)
    await charged(limiter)

    told = (await at_the_door(kit, ada, "/v1/key", method="GET")).json()

    assert (told["scopes"], told["mode"]) == (["infer"], "live")
    assert told["limits"]["monthly_budget_usd"] == "1"
    assert told["limits"]["models"] == ["mock-small"]
    assert told["remaining"]["requests_this_minute"] == 4
    assert 4000 < told["remaining"]["tokens_this_minute"] < 5000
    assert told["spend"] == {"this_month_usd": answer.headers["x-acron-cost"], "held_usd": "0"}


async def test_a_key_without_limits_is_told_what_the_ledger_says(kit):
    told = (await at_the_door(kit, ADA, "/v1/key", method="GET")).json()

    assert set(told["limits"].values()) == {None}
    assert told["spend"]["this_month_usd"] == "0"
