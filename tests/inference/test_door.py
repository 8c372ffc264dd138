"""The door as HTTP callers meet it: headers, errors, and bodies nobody should send."""

import pytest

from inference.door import Door
from tests.inference.asgi import call
from tests.inference.doors import CHAT, MAX_BODY, hostile_bodies, key, make_door
from tests.inference.kit import Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture
def door(kit: Kit) -> Door:
    return make_door(kit)


async def test_the_headers_tell_what_happened(door):
    first = await call(door, "/v1/chat/completions", CHAT, headers=key(**{"x-request-id": "mine-1"}))
    second = await call(door, "/v1/chat/completions", CHAT, headers={"x-api-key": "ada"})

    assert first.headers["x-request-id"] == "mine-1"
    assert second.headers["x-request-id"].startswith("req_")
    assert (first.headers["x-acron-cache"], second.headers["x-acron-cache"]) == ("MISS", "HIT-T1")
    assert first.headers["x-acron-model"] == "mock-small"
    assert second.headers["x-acron-cost"] == "0"
    assert second.headers["x-acron-saved"] == first.headers["x-acron-cost"]
    assert second.headers["age"] == "0"
    assert int(first.headers["content-length"]) == len(first.body)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "/v1/chat/completions", {}, 401, "invalid_api_key"),
        ("POST", "/v1/chat/completions", key("nobody"), 401, "invalid_api_key"),
        ("POST", "/v1/chat/completions", key("reader"), 403, "insufficient_scope"),
        ("GET", "/v1/chat/completions", key(), 405, "method_not_allowed"),
        ("POST", "/v1/models", key(), 405, "method_not_allowed"),
        ("POST", "/v1/nothing", key(), 404, "not_found"),
        ("POST", "/v1/chat/completions", {**key(), "Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("POST", "/v1/chat/completions", key(**{"Content-Encoding": "gzip"}), 415, "unsupported_media_type"),
    ],
)
async def test_what_cannot_be_served_is_refused_in_one_shape(door, method, path, headers, status, code):
    response = await call(door, path, CHAT, method=method, headers=headers)

    error = response.json()["error"]
    assert (response.status, error["code"]) == (status, code)
    assert error["message"]
    assert error["request_id"] == response.headers["x-request-id"]


async def test_an_oversized_body_is_refused_with_the_limit(door):
    response = await call(door, "/infer", b" " * (MAX_BODY + 1), headers=key())

    assert response.status == 413
    assert str(MAX_BODY) in response.json()["error"]["message"]


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY - 1000, 200), (MAX_BODY * 2, 413), (MAX_BODY * 6, 413)])
async def test_a_body_in_pieces_is_put_together_up_to_the_limit(door, size, status):
    asked = {"model": "mock-medium", "messages": [{"role": "user", "content": "x" * size}]}

    response = await call(door, "/v1/chat/completions", asked, headers=key(), piece_bytes=700)

    assert response.status == status


async def test_a_request_id_that_could_break_a_log_is_replaced(door):
    response = await call(door, "/v1/models", method="GET", headers=key(**{"x-request-id": "a b\tc"}))

    assert response.headers["x-request-id"].startswith("req_")


async def test_infer_tells_the_whole_story(door):
    asked = {"prompt": "What is the capital of France?", "model_override": "mock-small", "tags": {"team": "blue"}}
    first = (await call(door, "/infer", asked, headers=key())).json()
    second = (await call(door, "/infer", asked, headers=key())).json()

    assert first["response"] == second["response"]
    assert (first["cache_tier"], second["cache_tier"], second["similarity"]) == (0, 1, 1.0)
    assert (second["cost"], second["savings"], second["savings_percent"]) == ("0", first["cost"], 100.0)
    assert first["tokens_output"] > 0
    assert first["routing"]["mode"] == "explicit"


async def test_infer_and_chat_share_their_answers(door):
    await call(door, "/v1/chat/completions", CHAT, headers=key())

    asked = {"prompt": "What is the capital of France?", "model_override": "mock-small"}
    again = await call(door, "/infer", asked, headers=key())

    assert again.headers["x-acron-cache"] == "HIT-T1"


async def test_models_are_listed_with_what_is_missing(door):
    listed = (await call(door, "/v1/models", method="GET", headers=key())).json()

    entries = {entry["id"]: entry.get("acron", {}) for entry in listed["data"]}
    assert {"auto", "acron-guided", "mock-small", "an-embedding", "a-responder"} <= set(entries)
    assert entries["far-away"]["unavailable_because"].startswith("set ABSENT_API_KEY")
    assert entries["mock-small"]["price_per_million"] == {"input": "0.1", "output": "0.4"}
    assert entries["mock-unpriced"]["price_per_million"] == {"input": None, "output": None}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/infer"])
async def test_500_malformed_bodies_are_never_our_failure(door, path):
    for body in hostile_bodies():
        response = await call(door, path, body, headers=key())

        assert response.status < 500, (body[:200], response.body)
        if response.status != 200:
            assert response.json()["error"]["message"], body[:200]


async def test_more_than_the_memory_holds_is_refused_before_it_is_read(kit):
    door = make_door(kit, max_in_flight_bytes=1000)

    over = await call(door, "/v1/chat/completions", CHAT, headers=key(**{"content-length": "1001"}))
    within = await call(door, "/v1/chat/completions", CHAT, headers=key(**{"content-length": "999"}))

    assert (over.status, over.json()["error"]["code"], over.headers["retry-after"]) == (503, "overloaded", "1")
    assert within.status == 200


@pytest.mark.parametrize("length", ["-5", "1e9", "x", "9" * 40, ""])
async def test_a_length_that_makes_no_sense_counts_for_nothing(door, length):
    response = await call(door, "/v1/chat/completions", CHAT, headers=key(**{"content-length": length}))

    assert response.status == 200


async def test_a_body_of_unannounced_length_counts_as_it_comes(kit):
    door = make_door(kit, max_in_flight_bytes=1000)
    large = {**CHAT, "padding": "x" * 2000}

    over = await call(door, "/v1/chat/completions", large, headers=key(), piece_bytes=100)
    again = await call(door, "/v1/chat/completions", CHAT, headers=key(), piece_bytes=50)

    assert (over.status, over.json()["error"]["code"]) == (503, "overloaded")
    assert again.status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/responses"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/embeddings"),
        ("POST", "/infer"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/mock-small"),
        ("GET", "/v1/key"),
    ],
)
async def test_every_address_wants_a_key_that_may_infer(door, method, path):
    nobody = await call(door, path, CHAT, method=method, headers={"content-type": "application/json"})
    reader = await call(door, path, CHAT, method=method, headers=key("reader"))

    assert (nobody.status, reader.status) == (401, 403)
