"""The one client that talks to providers, against a provider that does everything wrong."""

import asyncio
import gc
import gzip
import zlib

import pytest

from acron_site.lib.errors import UpstreamError, UpstreamTimeoutError
from inference.providers.base import Call
from inference.providers.transport import HttpTransport
from tests.inference import stub
from tests.inference.stub import Fault

OK = (stub.answer({"fine": True}),)


@pytest.fixture
async def transport():
    transport = HttpTransport(max_answer_bytes=100_000)
    yield transport
    await transport.close()


@pytest.fixture
async def hasty():
    """A transport with no patience at all."""
    transport = HttpTransport(
        connect_timeout_seconds=0.5,
        first_byte_timeout_seconds=0.15,
        idle_timeout_seconds=0.1,
        total_timeout_seconds=0.4,
    )
    yield transport
    await transport.close()


def call(provider, body=b"{}"):
    headers = {"Authorization": "Bearer sk-up", "Content-Type": "application/json"}
    return Call(url=provider.url + "/v1/chat/completions", headers=headers, body=body, stream=False)


async def read(transport, provider):
    reply = await transport.send(call(provider))
    try:
        return await reply.read()
    finally:
        reply.close()


async def pieces_until_it_fails(transport, provider):
    reply = await transport.send(call(provider))
    pieces = []
    try:
        async for piece in reply.chunks():
            pieces.append(piece)  # noqa: PERF401 (what came before the failure counts)
    except UpstreamError as error:
        return b"".join(pieces), error
    finally:
        reply.close()
    raise AssertionError("it did not fail")


async def test_an_answer_is_carried_unchanged(transport):
    async with stub.serve((stub.answer(b'{ "a" : 1 }', headers={"X-Request-Id": "up_1"}),)) as provider:
        reply = await transport.send(call(provider, b'{"q":1}'))

        assert (reply.status, await reply.read()) == (200, b'{ "a" : 1 }')
        assert reply.headers["x-request-id"] == "up_1"
        assert provider.received[0].body == b'{"q":1}'
        assert provider.received[0].path == "/v1/chat/completions"


async def test_nothing_is_sent_but_what_the_call_says(transport):
    async with stub.serve(OK) as provider:
        await read(transport, provider)

        headers = provider.received[0].headers
        assert headers["authorization"] == "Bearer sk-up"
        assert headers["accept-encoding"] == "identity"
        assert set(headers) == {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "authorization",
            "content-type",
            "content-length",
        }


async def test_a_connection_is_used_again(transport):
    async with stub.serve(OK) as provider:
        for _ in range(5):
            await read(transport, provider)

        assert (len(provider.received), provider.connections) == (5, 1)


async def test_calls_do_not_wait_for_each_other(transport):
    async with stub.serve((0.2, *OK)) as provider:
        await asyncio.gather(*(read(transport, provider) for _ in range(150)))

        assert provider.connections == 150


async def test_cookies_are_not_kept(transport):
    async with stub.serve((stub.answer({}, headers={"Set-Cookie": "session=1; Path=/"}),)) as provider:
        await read(transport, provider)
        await read(transport, provider)

        assert "cookie" not in provider.received[1].headers


async def test_a_redirect_is_handed_over_and_not_followed(transport):
    async with stub.serve(OK) as inner:
        redirect = stub.answer(b"", status=307, headers={"Location": inner.url + "/secret"})
        async with stub.serve((redirect,)) as provider:
            reply = await transport.send(call(provider))

            assert (reply.status, await reply.read()) == (307, b"")
            assert inner.received == []


async def test_proxies_from_the_environment_are_not_used(transport, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with stub.serve(OK) as provider:
        assert await read(transport, provider) == b'{"fine":true}'


async def test_a_large_prompt_passes(transport):
    async with stub.serve(OK) as provider:
        prompt = b"x" * 8_000_000
        reply = await transport.send(call(provider, prompt))
        await reply.read()

        assert provider.received[0].body == prompt


async def test_a_stream_arrives_piece_by_piece(transport):
    script = (stub.stream_head(), stub.chunk(b"one"), 0.03, stub.chunk(b"two"), 0.03, stub.chunk(b""))
    async with stub.serve(script) as provider:
        reply = await transport.send(call(provider))

        assert [piece async for piece in reply.chunks()] == [b"one", b"two"]


async def test_a_provider_that_is_away_is_an_error(transport):
    async with stub.serve(OK) as provider:
        pass

    with pytest.raises(UpstreamError, match="cannot be reached"):
        await transport.send(call(provider))


async def test_a_name_that_does_not_exist_is_an_error(hasty):
    asked = Call(url="http://provider.invalid./v1", headers={}, body=b"{}", stream=False)
    with pytest.raises((UpstreamError, UpstreamTimeoutError), match="reached"):
        await hasty.send(asked)


@pytest.mark.parametrize("url", ["", "/v1/chat/completions", "ftp://a.test/v1", "http://[", "http://a.test:99999/v1"])
async def test_an_address_that_is_none_is_an_error(transport, url):
    with pytest.raises(UpstreamError):
        await transport.send(Call(url=url, headers={}, body=b"{}", stream=False))


async def test_a_provider_that_never_begins_times_out(hasty):
    async with stub.serve((Fault.HANG,)) as provider:
        with pytest.raises(UpstreamTimeoutError, match="did not begin"):
            await hasty.send(call(provider))


async def test_a_provider_that_stalls_midway_times_out(hasty):
    async with stub.serve((stub.stream_head(), stub.chunk(b"one"), Fault.HANG)) as provider:
        reply = await hasty.send(call(provider))
        with pytest.raises(UpstreamTimeoutError, match="stopped in the middle"):
            await reply.read()
        reply.close()


async def test_a_slow_drip_ends_with_the_total_time_out(hasty):
    drip = [step for _ in range(20) for step in (stub.chunk(b"."), 0.05)]
    async with stub.serve((stub.stream_head(), *drip, stub.chunk(b""))) as provider:
        reply = await hasty.send(call(provider))
        with pytest.raises(UpstreamTimeoutError):
            await reply.read()
        reply.close()


@pytest.mark.parametrize(
    "script",
    [
        (Fault.CLOSE,),
        (Fault.RESET,),
        (b"\x16\x03\x01 this is no HTTP\r\n\r\n", Fault.CLOSE),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Fault.CLOSE),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", Fault.CLOSE),
    ],
)
async def test_an_answer_without_a_head_is_an_error(transport, script):
    async with stub.serve(script) as provider:
        with pytest.raises(UpstreamError):
            await transport.send(call(provider))

        assert len(provider.received) == 1  # never sent twice: it may have been billed


@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.RESET])
async def test_a_body_that_is_cut_is_an_error(transport, fault):
    short = stub.answer(b"x" * 50, headers={"Content-Length": "100"})
    async with stub.serve((short, 0.02, fault)) as provider:
        told, error = await pieces_until_it_fails(transport, provider)

        assert told == b"x" * 50
        assert "broke its answer off" in error.message


@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.RESET])
async def test_a_stream_that_is_cut_is_an_error(transport, fault):
    async with stub.serve((stub.stream_head(), stub.chunk(b"one"), 0.02, fault)) as provider:
        told, _ = await pieces_until_it_fails(transport, provider)

        assert told == b"one"


BROKEN = b"zz\r\nbroken\r\n"


async def test_a_stream_with_broken_framing_is_an_error_at_once(transport):
    async with stub.serve((stub.stream_head(), stub.chunk(b"one"), 0.02, BROKEN)) as provider:
        told, _ = await pieces_until_it_fails(transport, provider)

        assert told == b"one"


async def test_a_stream_whose_framing_is_broken_from_the_start_is_an_error(transport):
    async with stub.serve((stub.stream_head() + stub.chunk(b"one") + BROKEN,)) as provider:
        with pytest.raises(UpstreamError):
            await read(transport, provider)


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)]
)
async def test_a_provider_that_compresses_unasked_is_understood(transport, encoding, compress):
    body = stub.answer(compress(b'{"fine":true}'), headers={"Content-Encoding": encoding})
    async with stub.serve((body,)) as provider:
        assert await read(transport, provider) == b'{"fine":true}'


async def test_a_compressed_bomb_is_stopped(transport):
    bomb = stub.answer(gzip.compress(b"0" * 20_000_000), headers={"Content-Encoding": "gzip"})
    async with stub.serve((bomb,)) as provider:
        with pytest.raises(UpstreamError, match="longer than"):
            await read(transport, provider)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compression_that_is_none_is_an_error(transport, encoding):
    async with stub.serve((stub.answer(b"plain text", headers={"Content-Encoding": encoding}),)) as provider:
        with pytest.raises(UpstreamError):
            await read(transport, provider)


async def test_an_answer_without_end_is_stopped(transport):
    async with stub.serve((stub.stream_head(), *[stub.chunk(b"x" * 10_000)] * 20)) as provider:
        told, error = await pieces_until_it_fails(transport, provider)

        assert "longer than 100000 bytes" in error.message
        assert len(told) <= 100_000


async def test_a_connection_the_provider_has_closed_is_not_used_again(transport):
    async with stub.serve((*OK, Fault.CLOSE)) as provider:
        await read(transport, provider)
        await asyncio.sleep(0.02)

        assert await read(transport, provider) == b'{"fine":true}'
        assert provider.connections == 2


async def test_a_connection_that_breaks_while_nobody_uses_it_leaves_no_trace(transport, caplog):
    script = (stub.stream_head(), stub.chunk(b"one"), 0.02, stub.chunk(b""), 0.02, Fault.RESET)
    async with stub.serve(script) as provider:
        await read(transport, provider)
        await asyncio.sleep(0.05)

        assert await read(transport, provider) == b"one"

        gc.collect()
        assert provider.connections == 2
        assert caplog.records == []


async def test_closing_a_reply_stops_the_provider(transport):
    async with stub.serve((stub.stream_head(), stub.chunk(b"one"), Fault.HANG)) as provider:
        reply = await transport.send(call(provider))
        pieces = reply.chunks()
        assert await anext(pieces) == b"one"

        reply.close()
        reply.close()
        await asyncio.sleep(0.02)

        assert provider.open_connections == 0
        with pytest.raises(UpstreamError):
            await anext(pieces)


async def test_a_caller_who_leaves_before_the_answer_stops_the_provider(transport):
    async with stub.serve((Fault.HANG,)) as provider:
        sending = asyncio.create_task(transport.send(call(provider)))
        await provider.has_received.wait()

        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.sleep(0.02)

        assert provider.open_connections == 0


async def test_a_closed_transport_opens_again_when_it_is_used(transport):
    async with stub.serve(OK) as provider:
        await read(transport, provider)
        await transport.close()
        await transport.close()

        assert await read(transport, provider) == b'{"fine":true}'


def test_each_event_loop_has_a_client_of_its_own():
    transport = HttpTransport()

    async def once():
        async with stub.serve(OK) as provider:
            return await read(transport, provider)

    async def last():
        try:
            return await once()
        finally:
            await transport.close()

    assert [asyncio.run(once()), asyncio.run(once()), asyncio.run(last())] == [b'{"fine":true}'] * 3
