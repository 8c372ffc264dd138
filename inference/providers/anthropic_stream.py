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
from inference.wire import anthropic_answers, anthropic_tools, framing, sse
from inference.wire.anthropic_blocks import BlockAssembler
from inference.wire.openai import completion_of

_MAX_EVENT_BYTES = 16_777_216
# what a delta calls the words of a block
_WORDS = {"text": "content", "thinking": "reasoning_content"}


class AnthropicStreamReader:
    """Follows one Anthropic stream; `message_stop` is its finish marker."""

    def __init__(self, ask: Ask, *, refusals: Refusals, created: int) -> None:
        self._ask = ask
        self._as_function = anthropic_tools.wants_functions(ask.body)
        self._refusals = refusals
        self._created = created
        self._splitter = framing.EventSplitter()
        self._message: dict[str, Any] = {}
        self._counts: dict[str, Any] = {}
        self._blocks = BlockAssembler()
        self._calls: dict[int, int] = {}  # the block of a call -> which call of the answer it is
        self._pieces = 0
        self._generated_bytes = 0
        self._prefix = b""
        self._is_stopped = False
        self._translations: dict[str, Callable[[dict[str, Any]], bytes]] = {
            "message_start": self._start,
            "content_block_start": self._start_block,
            "content_block_delta": self._add_to_block,
            "content_block_stop": self._end_block,
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
        try:
            whole = {**self._message, "content": self._blocks.content(), "usage": self._counts}
            document = anthropic_answers.response(whole, created=self._created, as_function=self._as_function)
            return completion_of(document, orjson.dumps(document), self.usage_so_far())
        except (ValueError, TypeError) as error:  # orjson refuses what is nested too deeply
            raise UpstreamError(f"the provider's stream adds up to no answer: {error}; try again") from None

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
            # pings, and kinds that are yet to be invented, tell nothing
            return translate(document) if translate else b""
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UpstreamError("the provider sent an event that makes no sense; try again") from None

    def _start(self, document: dict[str, Any]) -> bytes:
        message = document["message"]
        self._message = dict(message)
        self._counts = dict(message.get("usage") or {})
        head = {
            "id": anthropic_answers.completion_id(message),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": message.get("model") or "",
        }
        if self._ask.include_usage:
            head["usage"] = None
        self._prefix = b"data: " + orjson.dumps(head)[:-1] + b',"choices":['
        return self._choice({"role": "assistant", "content": ""})

    def _start_block(self, document: dict[str, Any]) -> bytes:
        index, block = document.get("index", 0), document["content_block"]
        self._blocks.start(index, block)
        kind = block.get("type")
        if kind == "tool_use":
            return self._start_call(index, block)
        words = block.get(kind) if kind in _WORDS else ""
        return self._told(index, words or "")

    def _start_call(self, index: int, block: dict[str, Any]) -> bytes:
        self._calls[index] = len(self._calls)
        name = block["name"]
        if self._as_function:
            return self._call(index, {"name": name, "arguments": ""})
        return self._call(index, {"name": name, "arguments": ""}, id=block["id"], type="function")

    def _add_to_block(self, document: dict[str, Any]) -> bytes:
        index = document.get("index", 0)
        piece = self._blocks.add(index, document["delta"])
        if document["delta"]["type"] == "signature_delta":
            return b""
        return self._told(index, piece)

    def _end_block(self, document: dict[str, Any]) -> bytes:
        """A call without input has told no arguments yet, and `""` is no JSON."""
        index = document.get("index", 0)
        if index not in self._calls or (given := self._blocks.untold_input(index)) is None:
            return b""
        return self._told(index, anthropic_answers.arguments_of(given))

    def _told(self, index: int, piece: str) -> bytes:
        """A piece of a block as the caller sees it; `b""` for what is not theirs, such as a server's own search."""
        if not piece:
            return b""
        self._pieces += 1
        self._generated_bytes += len(piece.encode())
        if index in self._calls:
            return self._call(index, {"arguments": piece})
        words = _WORDS.get(self._blocks.kind(index))
        return self._choice({words: piece}) if words else b""

    def _call(self, index: int, function: dict[str, str], **about: str) -> bytes:
        number = self._calls[index]
        if not self._as_function:
            return self._choice({"tool_calls": [{"index": number, **about, "function": function}]})
        return self._choice({"function_call": function}) if number == 0 else b""

    def _end(self, document: dict[str, Any]) -> bytes:
        """The counts are cumulative: they take the place of the earlier ones."""
        self._message |= document["delta"]
        self._counts |= {name: value for name, value in (document.get("usage") or {}).items() if value is not None}
        reason = document["delta"].get("stop_reason")
        if not isinstance(reason, str):
            return b""
        last = anthropic_answers.ending_of(self._blocks.content())
        finish = anthropic_answers.finish_reason(reason, as_function=self._as_function)
        return (self._choice(last) if last else b"") + self._choice({}, finish)

    def _stop(self, _: dict[str, Any]) -> bytes:
        self._is_stopped = True
        if not self._ask.include_usage or not self._prefix:
            return b""
        head = orjson.loads(self._prefix.removeprefix(b"data: ") + b"]}")
        return sse.event({**head, "usage": anthropic_answers.usage(self._counts)})

    def _error(self, document: dict[str, Any]) -> bytes:
        raise self._refusals.stream_error(document.get("error"))

    def _choice(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return self._prefix + orjson.dumps(choice) + b"]}\n\n"
