"""Relays Anthropic's stream byte for byte, and keeps what it adds up to."""

from dataclasses import replace

import orjson

from acron_site.lib.errors import UpstreamError
from inference import usage
from inference.domain import Ask, Completion, Usage
from inference.providers.refusals import Refusals
from inference.routing.needs import estimate_tokens
from inference.wire import framing
from inference.wire.anthropic_message import completion_of
from inference.wire.message_assembly import MessageAssembler

_MAX_EVENT_BYTES = 16_777_216


class MessagesStreamReader:
    """Follows one stream of Anthropic's. `message_stop` is its finish marker; it is held back as the ending."""

    def __init__(self, ask: Ask, *, refusals: Refusals) -> None:
        self._ask, self._refusals = ask, refusals
        self._splitter = framing.EventSplitter()
        self._assembler = MessageAssembler()
        self._ending = b""

    def feed(self, chunk: bytes) -> bytes:
        block = self._splitter.push(chunk)
        if self._splitter.held_bytes > _MAX_EVENT_BYTES:
            raise UpstreamError("the provider sent something that is no event stream; try again")
        return b"".join([event for event in framing.split(block) if self._relays(event)])

    @property
    def is_complete(self) -> bool:
        return bool(self._ending and self._assembler.stop_reason)

    def ending(self) -> bytes:
        return self._ending

    def completion(self) -> Completion:
        if not self.is_complete:
            raise UpstreamError("the provider's stream broke off before its end; try again")
        try:
            message = self._assembler.document()
            return completion_of(message, orjson.dumps(message))
        except (ValueError, TypeError, RecursionError) as error:  # orjson refuses what is nested too deeply
            raise UpstreamError(f"the provider's stream adds up to no answer: {error}; try again") from None

    def usage_so_far(self) -> Usage:
        """Anthropic counts the prompt at the start, and the answer only at its end."""
        told = self._assembler
        if told.stop_reason:
            return usage.from_anthropic(told.usage)
        estimate = usage.estimate(
            input_bytes=4 * estimate_tokens(self._ask.sketch),
            output_bytes=told.text_bytes,
            output_pieces=told.pieces,
        )
        if not told.usage:
            return estimate
        counted = usage.from_anthropic(told.usage)
        return replace(counted, tokens=replace(counted.tokens, output=estimate.tokens.output), is_estimate=True)

    def _relays(self, event: bytes) -> bool:
        """Whether the caller sees `event` now. Comments, pings and kinds that are yet to be invented pass."""
        if self._ending:
            return False
        data = framing.payload(event)
        if not data:
            return True
        try:
            document = orjson.loads(data)
            kind = document["type"]
            self._assembler.add(document)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UpstreamError("the provider sent an event that makes no sense; try again") from None
        if kind == "error":
            raise self._refusals.stream_error(document.get("error"))
        if kind == "message_stop":
            self._ending = event
        return bool(kind != "message_stop")
