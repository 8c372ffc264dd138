"""Relays an OpenAI stream byte for byte, and keeps what it adds up to."""

from typing import Any

import orjson

from acron_site.lib.errors import UpstreamError
from inference import usage
from inference.domain import Ask, Completion, Usage
from inference.providers.refusals import Refusals
from inference.routing.needs import estimate_tokens
from inference.wire import framing, sse
from inference.wire.chunks import ChunkAssembler
from inference.wire.openai import completion_of

# kept unparsed until it is worth a pause: parsing 64 kB of events takes about a millisecond
_FOLD_BYTES = 65_536
_MAX_EVENT_BYTES = 16_777_216


class OpenAIStreamReader:
    """Follows one OpenAI stream.

    Complete means: at least one choice came, each has a finish reason, and either `[DONE]` came or there are
    as many choices as were asked for. `[DONE]` alone is not enough (proxies send it after a failure), and not
    needed (some compatible servers leave it out).
    """

    def __init__(self, ask: Ask, *, refusals: Refusals, geography: str = "") -> None:
        self._ask = ask
        self._geography = geography
        self._refusals = refusals
        self._splitter = framing.EventSplitter()
        self._assembler = ChunkAssembler()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._is_done = False
        self._is_broken = False

    def feed(self, chunk: bytes) -> bytes:
        block = self._splitter.push(chunk)
        if not block:
            if self._splitter.held_bytes > _MAX_EVENT_BYTES:
                raise UpstreamError("the provider sent something that is no event stream; try again")
            return b""
        if block.find(b"\n\n") == len(block) - 2:  # the usual case: one event
            return block if self._relays(block) else b""
        return b"".join([event for event in framing.split(block) if self._relays(event)])

    @property
    def is_complete(self) -> bool:
        self._fold()
        reasons = self._assembler.finish_reasons
        is_finished = bool(reasons) and all(reasons)
        return is_finished and not self._is_broken and (self._is_done or len(reasons) >= self._choices_asked())

    def ending(self) -> bytes:
        return sse.DONE

    def completion(self) -> Completion:
        if not self.is_complete:
            raise UpstreamError("the provider's stream broke off before its end; try again")
        try:
            document = self._assembler.document()
            return completion_of(document, orjson.dumps(document), self.usage_so_far())
        except (ValueError, TypeError, RecursionError) as error:  # orjson refuses what is nested too deeply
            raise UpstreamError(f"the provider's stream adds up to no answer: {error}; try again") from None

    def usage_so_far(self) -> Usage:
        self._fold()
        told = self._assembler
        if told.usage is not None:
            return usage.from_openai(told.usage, service_tier=told.service_tier, geography=self._geography)
        return usage.estimate(
            input_bytes=4 * estimate_tokens(self._ask.sketch),
            output_bytes=told.text_bytes,
            output_pieces=told.pieces,
        )

    def _relays(self, event: bytes) -> bool:
        """Whether the caller sees `event`. One with a delta and no error needs no look inside."""
        if self._is_done:
            return False
        if b'"delta"' in event and b'"error"' not in event:
            self._keep(event)
            return True
        data = framing.payload(event)
        if data == b"[DONE]":
            self._is_done = True
            return False
        return not data or self._relays_document(event, data)

    def _relays_document(self, event: bytes, data: bytes) -> bool:
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise UpstreamError("the provider sent an event that is not JSON; try again") from None
        if _is_error(document):
            raise self._refusals.stream_error(document.get("error"))
        self._keep(event)
        is_usage_only = isinstance(document, dict) and not document.get("choices") and "usage" in document
        return not is_usage_only or self._ask.include_usage

    def _keep(self, event: bytes) -> None:
        self._pending.append(event)
        self._pending_bytes += len(event)
        if self._pending_bytes > _FOLD_BYTES:
            self._fold()

    def _fold(self) -> None:
        """Adds up what is pending. After an event that makes no sense the stream is never complete."""
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        for event in pending:
            if not (data := framing.payload(event)):
                continue
            try:
                self._assembler.add(orjson.loads(data))
            except (ValueError, RecursionError):  # no JSON, no chunk, or one nested without end
                self._is_broken = True

    def _choices_asked(self) -> int:
        asked = self._ask.body.get("n")
        return asked if isinstance(asked, int) else 1


def _is_error(document: Any) -> bool:
    return isinstance(document, dict) and bool(document.get("error"))
