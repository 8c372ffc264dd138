"""The mock provider: realistic answers without a network, a key or a bill."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from acron_site.lib.errors import UpstreamError, UpstreamTimeoutError
from inference.providers import mock_embeddings
from inference.providers.base import Call
from inference.providers.mock_writer import Draft, count_tokens, write
from inference.wire import sse

# these answer late, badly or not at all, so that everybody can see what happens then
SLOW, ERROR, BUSY, CUT, HANGING = "mock-slow", "mock-error", "mock-429", "mock-cut-stream", "mock-hang"

_SLOW_SECONDS = 5.0
_HEADERS = {"content-type": "application/json"}
_STREAM_HEADERS = {"content-type": "text/event-stream; charset=utf-8"}
_REFUSALS = {
    ERROR: (500, {}, "the mock provider failed, as mock-error always does", "server_error"),
    BUSY: (429, {"retry-after": "2"}, "too many requests, as mock-429 always finds", "rate_limit_exceeded"),
}


@dataclass(frozen=True, slots=True)
class _Pace:
    """How fast a model is, as fixed by its name."""

    first_token_seconds: float
    tokens_per_second: float

    @classmethod
    def of(cls, model: str) -> "_Pace":
        digest = blake2b(model.encode(), digest_size=4).digest()
        first = _SLOW_SECONDS if model == SLOW else 0.02 + digest[0] / 255 * 0.06
        return cls(first, 1000 + digest[1] / 255 * 2000)


class MockReply:
    """An answer that is ready, told at the model's pace."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        pieces: list[tuple[float, bytes]],
        *,
        is_cut: bool = False,
    ) -> None:
        self.status = status
        self.headers: Mapping[str, str] = headers
        self._pieces = pieces
        self._is_cut = is_cut
        self._is_closed = False

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        for pause, piece in self._pieces:
            if pause:
                await asyncio.sleep(pause)
            if self._is_closed:
                return
            yield piece
        if self._is_cut:
            raise UpstreamError("the mock provider broke its answer off, as mock-cut-stream always does")

    def close(self) -> None:
        self._is_closed = True


class MockTransport:
    """Answers OpenAI-shaped calls in this process. The same request to the same model gets the same answer.

    `latency_scale` stretches every pause; 0 answers at once.
    """

    def __init__(self, *, latency_scale: float = 1.0, first_byte_timeout_seconds: float = 120.0) -> None:
        self._latency_scale = latency_scale
        self._first_byte_timeout_seconds = first_byte_timeout_seconds

    async def send(self, call: Call) -> MockReply:
        request = orjson.loads(call.body)
        model = str(request.get("model"))
        if model == HANGING:
            await self._hang()
        await self._pause(_Pace.of(model).first_token_seconds)
        if model in _REFUSALS:
            return _refusal(model)
        if call.url.endswith("/embeddings"):
            return MockReply(200, _HEADERS, [(0, orjson.dumps(mock_embeddings.answer(request, model)))])
        drafts = _drafts(request, model)
        if call.stream:
            return self._stream(request, model, drafts)
        return await self._whole(request, model, drafts)

    async def close(self) -> None:
        """Nothing is open."""

    async def _hang(self) -> None:
        await asyncio.sleep(self._first_byte_timeout_seconds)
        raise UpstreamTimeoutError("the mock provider did not answer, as mock-hang never does; try another model")

    async def _pause(self, seconds: float) -> None:
        if self._latency_scale:
            await asyncio.sleep(seconds * self._latency_scale)

    async def _whole(self, request: Mapping[str, Any], model: str, drafts: list[Draft]) -> MockReply:
        await self._pause(_writing_seconds(model, drafts))
        body = orjson.dumps(_completion(request, model, drafts))
        if model == CUT:
            return MockReply(200, _HEADERS, [(0, body[: len(body) // 2])], is_cut=True)
        return MockReply(200, _HEADERS, [(0, body)])

    def _stream(self, request: Mapping[str, Any], model: str, drafts: list[Draft]) -> MockReply:
        options = request.get("stream_options") or {}
        body = orjson.dumps(_completion(request, model, drafts))
        events = list(sse.replay(body, include_usage=bool(options.get("include_usage"))))
        if model == CUT:
            events = events[: max(len(events) // 2, 1)]
        pause = _writing_seconds(model, drafts) / len(events) * self._latency_scale
        pieces = [(pause if index else 0.0, piece) for index, piece in enumerate(events)]
        return MockReply(200, _STREAM_HEADERS, pieces, is_cut=model == CUT)


def _writing_seconds(model: str, drafts: list[Draft]) -> float:
    return max(draft.tokens for draft in drafts) / _Pace.of(model).tokens_per_second


def _refusal(model: str) -> MockReply:
    status, headers, message, code = _REFUSALS[model]
    error = {"message": message, "type": code, "param": None, "code": code}
    return MockReply(status, {**_HEADERS, **headers}, [(0, orjson.dumps({"error": error}))])


def _drafts(request: Mapping[str, Any], model: str) -> list[Draft]:
    """As many answers as are asked for, each one of its own."""
    asked = request.get("n")
    count = asked if isinstance(asked, int) and 1 <= asked <= 128 else 1  # noqa: PLR2004 (OpenAI's own limit)
    return [write(request, seed=_seed(request, model, index)) for index in range(count)]


def _seed(request: Mapping[str, Any], model: str, index: int) -> int:
    shape = orjson.dumps([model, request.get("messages"), index])
    return int.from_bytes(blake2b(shape, digest_size=8).digest())


def _completion(request: Mapping[str, Any], model: str, drafts: list[Draft]) -> dict[str, Any]:
    prompt = count_tokens(orjson.dumps(request.get("messages")).decode())
    written = sum(draft.tokens for draft in drafts)
    return {
        "id": f"chatcmpl-mock{_seed(request, model, 0):016x}",
        "object": "chat.completion",
        "created": math.floor(time.time()),
        "model": model,
        "choices": [_choice(index, draft) for index, draft in enumerate(drafts)],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
    }


def _choice(index: int, draft: Draft) -> dict[str, Any]:
    return {
        "index": index,
        "message": {"role": "assistant", "content": draft.text, "refusal": None, "annotations": []},
        "logprobs": None,
        "finish_reason": draft.finish_reason,
    }
