"""The door while an answer is under way: streams, callers who hang up, and bugs of our own in its middle."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, ClassVar

import orjson
import pytest

from analytics.events import EventStatus
from inference.door import Door
from inference.wire.sse import KEEP_ALIVE
from tests.inference.asgi import call
from tests.inference.doors import CHAT, key, make_door
from tests.inference.kit import Kit
from tests.inference.script import Scene, Script, streamed


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture
def door(kit: Kit) -> Door:
    return make_door(kit)


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
