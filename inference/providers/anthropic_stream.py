"""Retells Anthropic's stream of events as OpenAI's stream of chunks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from acron_site.lib.errors import UpstreamError
from inference import usage
from inference.domain import Ask, Completion, Usage
from inference.providers.refusals import Refusals
from inference.routing.needs import estimate_tokens
from inference.wire import anthropic, framing, sse
from inference.wire.openai import completion_of

_MAX_EVENT_BYTES = 16_777_216


class AnthropicStreamReader:
    """Follows one Anthropic stream; `message_stop` is its finish marker. Thinking is not shown."""

    def __init__(self, ask: Ask, *, refusals: Refusals, created: int) -> None:
        self._ask = ask
        self._refusals = refusals
        self._created = created
        self._splitter = framing.EventSplitter()
        self._message: dict[str, Any] = {}
        self._counts: dict[str, Any] = {}
        self._texts: list[str] = []
        self._pieces = 0
        self._generated_bytes = 0
        self._prefix = b""
        self._is_stopped = False
        self._translations: dict[str, Callable[[dict[str, Any]], bytes]] = {
            "message_start": self._start,
            "content_block_start": self._block,
            "content_block_delta": self._delta,
            "message_delta": self._end,
            "message_stop": self._stop,
            "error": self._error,
        }

    def feed(self, chunk: bytes) -> bytes:
        block = self._splitter.push(chunk)
        if self._splitter.held_bytes > _MAX_EVENT_BYTES:
            raise UpstreamError("the provider sent something that is no event stream; try again")
        return b"".join([self._translated(framing.payload(event)) for event in framing.split(block)])

    @property
    def is_complete(self) -> bool:
        return self._is_stopped and isinstance(self._message.get("stop_reason"), str)

    def ending(self) -> bytes:
        return sse.DONE

    def completion(self) -> Completion:
        if not self.is_complete:
            raise UpstreamError("the provider's stream broke off before its end; try again")
        content = [{"type": "text", "text": "".join(self._texts)}]
        whole = {**self._message, "content": content, "usage": self._counts}
        document = anthropic.response(whole, created=self._created)
        completed = completion_of(document, orjson.dumps(document), self.usage_so_far())
        return replace(completed, side_usages=usage.side_usages(self._counts))

    def usage_so_far(self) -> Usage:
        """Anthropic counts the prompt at the start, and the answer only at its end."""
        if self._message.get("stop_reason"):
            return usage.from_anthropic(self._counts)
        estimate = usage.estimate(
            input_bytes=4 * estimate_tokens(self._ask.sketch),
            output_bytes=self._generated_bytes,
            output_pieces=self._pieces,
        )
        if not self._counts:
            return estimate
        counted = usage.from_anthropic(self._counts)
        return replace(counted, tokens=replace(counted.tokens, output=estimate.tokens.output), is_estimate=True)

    def _translated(self, data: bytes) -> bytes:
        if not data:
            return b""
        try:
            document = orjson.loads(data)
            translate = self._translations.get(document["type"])
            # pings, block ends, and kinds that are yet to be invented tell nothing
            return translate(document) if translate else b""
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UpstreamError("the provider sent an event that makes no sense; try again") from None

    def _start(self, document: dict[str, Any]) -> bytes:
        message = document["message"]
        self._message = dict(message)
        self._counts = dict(message.get("usage") or {})
        head = {
            "id": anthropic.completion_id(message),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": message.get("model") or "",
        }
        if self._ask.include_usage:
            head["usage"] = None
        self._prefix = b"data: " + orjson.dumps(head)[:-1] + b',"choices":['
        return self._choice({"role": "assistant", "content": ""})

    def _block(self, document: dict[str, Any]) -> bytes:
        return self._text(document["content_block"].get("text") or "")

    def _delta(self, document: dict[str, Any]) -> bytes:
        delta = document["delta"]
        if delta.get("type") == "text_delta":
            return self._text(delta["text"])
        self._count(delta.get("thinking") or delta.get("partial_json") or "")
        return b""

    def _text(self, text: str) -> bytes:
        if not text:
            return b""
        self._texts.append(text)
        self._count(text)
        return self._choice({"content": text})

    def _count(self, text: str) -> None:
        self._pieces += bool(text)
        self._generated_bytes += len(text.encode())

    def _end(self, document: dict[str, Any]) -> bytes:
        """The counts are cumulative: they take the place of the earlier ones."""
        self._message |= document["delta"]
        self._counts |= {name: value for name, value in (document.get("usage") or {}).items() if value is not None}
        reason = self._message.get("stop_reason")
        return self._choice({}, anthropic.finish_reason(reason)) if isinstance(reason, str) else b""

    def _stop(self, _: dict[str, Any]) -> bytes:
        self._is_stopped = True
        if not self._ask.include_usage or not self._prefix:
            return b""
        head = orjson.loads(self._prefix.removeprefix(b"data: ") + b"]}")
        return sse.event({**head, "usage": anthropic.usage(self._counts)})

    def _error(self, document: dict[str, Any]) -> bytes:
        raise self._refusals.stream_error(document.get("error"))

    def _choice(self, delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return self._prefix + orjson.dumps(choice) + b"]}\n\n"
