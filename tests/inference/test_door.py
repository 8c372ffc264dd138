"""The door as HTTP callers meet it: headers, errors, hang-ups, and bodies nobody should send."""

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, ClassVar

import orjson
import pytest

from accounts.principal import Principal
from accounts.scopes import Scope
from acron_site.lib.errors import InvalidApiKeyError
from analytics.events import EventStatus
from inference.domain import RoutingMode
from inference.door import Door
from inference.stored_responses import StoredResponses
from inference.wire import models
from inference.wire.addresses import Proxies
from inference.wire.sse import KEEP_ALIVE
from tests.inference.asgi import call
from tests.inference.kit import ADA, MALLORY, Kit
from tests.inference.script import Scene, Script, streamed

READER = Principal(ADA.organization_id, frozenset({Scope.ANALYTICS}))
CHAT = {"model": "mock-small", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
MAX_BODY = 10_000


class Keys:
    """Three keys everybody knows."""

    known = {"ada": ADA, "mallory": MALLORY, "reader": READER}

    def cached(self, token: str) -> Principal | None:
        return self.known.get(token)

    async def identify(self, token: str | None, address: str | None = None) -> Principal:
        raise InvalidApiKeyError("this key is not known; create one under /keys")


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture
def door(kit: Kit) -> Door:
    return make_door(kit)


def make_door(
    kit: Kit,
    stored: StoredResponses | None = None,
    *,
    max_body_bytes: int = MAX_BODY,
    max_in_flight_bytes: int = 100_000_000,
    keep_alive_seconds: float = 15.0,
) -> Door:
    return Door(
        gateway=kit.gateway,
        conductor=kit.conductor,
        keys=Keys(),  # type: ignore[arg-type]
        models=lambda principal: models.listing(
            kit.catalog, principal.rules.models if principal.rules else frozenset()
        ),
        counter=kit.counter,
        stored=stored or StoredResponses(lambda principal: None),
        proxies=Proxies("127.0.0.1"),
        default_mode=RoutingMode.AUTOPILOT,
        max_body_bytes=max_body_bytes,
        max_in_flight=10,
        max_in_flight_bytes=max_in_flight_bytes,
        keep_alive_seconds=keep_alive_seconds,
    )


def key(name: str = "ada", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}", "Content-Type": "application/json", **more}


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


async def test_a_caller_who_hangs_up_while_sending_gets_nothing_and_costs_nothing(door, kit):
    sent: list[Any] = []
    incoming = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/infer", "headers": [(b"x-api-key", b"ada")]}
    await door(scope, receive, send)

    assert sent == []
    assert kit.ledger.rows == {}


class BrokenReply:
    """A provider's stream that trips over a bug of ours after its first words."""

    status = 200
    headers: ClassVar[dict[str, str]] = {}
    is_closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b'data: {"choices":[{"index":0,"delta":{"content":"Once"},"finish_reason":null}]}\n\n'
        raise ZeroDivisionError

    async def read(self) -> bytes:
        raise ZeroDivisionError

    def close(self) -> None:
        self.is_closed = True


class BrokenTransport:
    def __init__(self) -> None:
        self.reply = BrokenReply()

    async def send(self, _: Any) -> BrokenReply:
        return self.reply


async def test_a_bug_in_the_middle_of_a_stream_cuts_it_and_is_recorded(caplog):
    kit = Kit(transport=BrokenTransport())
    sent: list[Any] = []

    incoming = [{"type": "http.request", "body": orjson.dumps({**CHAT, "stream": True})}]

    async def receive() -> Any:
        return incoming.pop() if incoming else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": [(b"x-api-key", b"ada")]}
    with pytest.raises(ZeroDivisionError):
        await make_door(kit)(scope, receive, send)

    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert sent[-1]["more_body"]
    assert kit.transport.reply.is_closed
    assert kit.ledger.last.status is not EventStatus.STARTED
    assert "gateway.failed" in caplog.text


async def test_a_bug_before_the_answer_is_told_in_our_shape(caplog):
    kit = Kit(transport=BrokenTransport())

    response = await call(make_door(kit), "/v1/chat/completions", CHAT, headers=key())

    assert (response.status, response.json()["error"]["code"]) == (500, "internal_error")
    assert kit.transport.reply.is_closed
    assert "gateway.failed" in caplog.text


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


async def test_infer_streams_deltas_and_then_the_story(door):
    asked = {"prompt": "Tell me about rivers", "model_override": "mock-small", "stream": True}
    response = await call(door, "/infer", asked, headers=key())

    *deltas, story, done = response.body.strip().split(b"\n\n")
    text = "".join(orjson.loads(delta.removeprefix(b"data: "))["delta"] for delta in deltas)
    story = orjson.loads(story.removeprefix(b"data: "))
    assert done == b"data: [DONE]"
    assert story["response"] == text
    assert story["cost"] not in (None, "0")


async def test_a_broken_stream_ends_infer_with_the_error(door):
    asked = {"prompt": "Tell me", "model_override": "mock-cut-stream", "stream": True}
    response = await call(door, "/infer", asked, headers=key())

    assert b'"upstream_error"' in response.body
    assert b"[DONE]" not in response.body


@pytest.mark.parametrize(
    ("path", "asked"), [("/v1/chat/completions", CHAT), ("/infer", {"prompt": "Hi", "model_override": "mock-small"})]
)
async def test_a_stream_that_is_long_in_coming_is_kept_open_by_one_comment_at_a_time(path, asked):
    go, seconds = asyncio.Event(), 0.02
    kit = Kit(transport=Script(streamed(waits_for=go)), keep_alive_seconds=seconds)
    door, loop = make_door(kit, keep_alive_seconds=seconds), asyncio.get_running_loop()
    sent: list[Any] = []
    comments: list[float] = []

    async def receive() -> Any:
        return incoming.pop() if incoming else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)
        if message.get("body") == KEEP_ALIVE:
            comments.append(loop.time())
        if len(comments) == 3:
            go.set()

    incoming = [{"type": "http.request", "body": orjson.dumps({**asked, "stream": True})}]
    scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"x-api-key", b"ada")]}
    begun = loop.time()
    await door(scope, receive, send)

    assert sent[0]["type"] == "http.response.start"
    assert sent[1]["body"] == KEEP_ALIVE
    assert all(later - earlier >= seconds for earlier, later in pairwise([begun, *comments]))
    assert b"Paris." in b"".join([message.get("body", b"") for message in sent])
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize("pieces", [0, 1])
async def test_a_caller_who_hangs_up_ends_the_provider_call(pieces):
    never = asyncio.Event()
    kit = Kit(transport=Script(streamed(holds_for=never) if pieces else Scene(waits_for=never)))

    await call(
        make_door(kit), "/v1/chat/completions", {**CHAT, "stream": True}, headers=key(), hang_up_after_pieces=pieces
    )

    assert [row.status for row in kit.ledger.rows.values()] == [EventStatus.CLIENT_GONE]


async def test_models_are_listed_with_what_is_missing(door):
    listed = (await call(door, "/v1/models", method="GET", headers=key())).json()

    entries = {entry["id"]: entry.get("acron", {}) for entry in listed["data"]}
    assert {"auto", "acron-guided", "mock-small", "an-embedding", "a-responder"} <= set(entries)
    assert entries["far-away"]["unavailable_because"].startswith("set ABSENT_API_KEY")
    assert entries["mock-small"]["price_per_million"] == {"input": "0.1", "output": "0.4"}
    assert entries["mock-unpriced"]["price_per_million"] == {"input": None, "output": None}


def hostile_bodies() -> list[bytes]:
    """500 bodies: every prefix-cut, wrong type and odd byte that comes to mind, the same in each run."""
    dice = random.Random(500)
    good = orjson.dumps(
        {**CHAT, "temperature": 0, "stream": False, "n": 1, "stop": ["x"], "acron": {"tags": {"a": "b"}}}
    )
    bodies = [good[:cut] for cut in range(0, len(good), 2)]
    odd: list[Any] = [
        None,
        7,
        -1,
        1.5,
        "x",
        [],
        {},
        True,
        [[]],
        {"a": None},
        "\x00",
        2**63,
        -(2**63),
        ["x", 5],
        {"type": 5},
    ]
    for field in ("model", "messages", "temperature", "stream", "n", "max_tokens", "acron", "response_format"):
        bodies += [orjson.dumps({**CHAT, field: value}) for value in odd]
    for value in odd:
        bodies += [
            orjson.dumps({**CHAT, "messages": [value]}),
            orjson.dumps({**CHAT, "messages": [{"role": "user", "content": value}]}),
            orjson.dumps({**CHAT, "messages": [{"role": value, "content": "x"}]}),
            orjson.dumps({**CHAT, "messages": [{"role": "user", "content": [{"type": "text", "text": value}]}]}),
            orjson.dumps({**CHAT, "acron": {"cache": value}}),
        ]
    bodies += [b"[" * 5000, b'{"a":' * 1000 + b"1" + b"}" * 1000, b'{"model":"m","messages":[],"x":1e400}']
    bodies += [b'"\\ud800"', b"\xff\xfe\x00", b"\x00" * 50, b"NaN", b"null", b"true", b"[]", b'"text"', b"{}", b" "]
    nested = b'{"model":"mock-small","messages":[{"role":"user","content":"x"}],"y":' + b"[" * 400 + b"]" * 400 + b"}"
    bodies.append(nested)
    while len(bodies) < 500:
        mutated = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        bodies.append(bytes(mutated))
    return bodies


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
