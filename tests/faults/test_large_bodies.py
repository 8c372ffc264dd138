"""Large prompts are taken, larger ones are refused in the words of their API, and slow senders hold up nobody."""

import asyncio
import gzip
import io
import json
from typing import Any

import aiohttp
import pytest

from tests.faults.load import CHAT, MESSAGES, Wish, send_all
from tests.faults.plant import Plant

RESPONSES = "/v1/responses"
_MB = 1024 * 1024
_SLOW = 200
_UNDISTURBED_SECONDS = 0.5


def body(path: str, text: str) -> bytes:
    asked: dict[str, Any] = {"model": "standin-0"}
    if path == RESPONSES:
        return json.dumps({**asked, "input": text, "store": False}).encode()
    return json.dumps({**asked, "max_tokens": 64, "messages": [{"role": "user", "content": text}]}).encode()


async def post(plant: Plant, path: str, content: bytes, encoding: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {plant.product.key}", "Content-Type": "application/json"}
    compressed = {"Content-Encoding": encoding} if encoding else {}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.post(plant.product.base + path, data=io.BytesIO(content), headers=compressed) as response,
    ):
        return response.status, await response.json()


def told(path: str, document: Any) -> tuple[bool, str]:
    """Whether an error has the shape of its API, and its code."""
    error = document["error"]
    as_anthropic = document.get("type") == "error" and "request_id" in document
    return as_anthropic if path == MESSAGES else "request_id" in error and "param" in error, error["code"]


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_eight_megabytes_are_taken_and_sixty_refused(plant: Plant, path: str):
    large, too_large = body(path, "size: " + "word " * (8 * _MB // 5)), body(path, "x" * (60 * _MB))
    zipped = gzip.compress(body(path, "hello " * 100))

    taken, answer = await post(plant, path, large)
    refused, why = await post(plant, path, too_large)
    packed, why_not = await post(plant, path, zipped, "gzip")

    print(f"\n{path}: 8 MB {taken}, 60 MB {refused} {told(path, why)}, gzip {packed} {told(path, why_not)}")
    assert taken == 200, answer
    assert (refused, told(path, why)) == (413, (True, "request_too_large"))
    assert (packed, told(path, why_not)) == (415, (True, "unsupported_media_type"))


async def test_two_hundred_slow_senders_hold_up_nobody(plant: Plant):
    content = body(CHAT, "slow: " + "x" * 5000)
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {plant.product.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    half = head.encode() + content[: len(content) // 2]
    before = await send_all(plant, questions(plant, "alone"))

    slow = await asyncio.gather(*(begin(plant, half) for _ in range(_SLOW)))
    await asyncio.sleep(0.5)
    meanwhile = await send_all(plant, questions(plant, "beside"))
    finished = await asyncio.gather(*(finish(*pair, content[len(content) // 2 :]) for pair in slow))

    print(
        f"\n{_SLOW} slow senders: {meanwhile}; without them {before}; {finished.count(b'200')} were served in the end"
    )
    assert before.besides(200) + meanwhile.besides(200) == []
    assert meanwhile.p99_seconds - before.p99_seconds <= _UNDISTURBED_SECONDS
    assert finished == [b"200"] * _SLOW


def questions(plant: Plant, story: str) -> list[Wish]:
    return [Wish(f"{story}-{n}", f"{story}: {n}?", plant.product.key, "standin-0") for n in range(100)]


async def begin(plant: Plant, half: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = plant.product.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(half)
    return reader, writer


async def finish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes) -> bytes:
    """The status, once the rest is sent."""
    writer.write(rest)
    status = (await asyncio.wait_for(reader.readline(), 20)).split()[1]
    writer.close()
    return status
