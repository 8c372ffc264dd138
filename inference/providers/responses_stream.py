"""Relays a stream of OpenAI's Responses API byte for byte, and keeps what it adds up to."""

from typing import Any

import orjson

from acron_site.lib.errors import UpstreamError
from inference import usage
from inference.domain import Ask, Completion, Usage
from inference.providers.refusals import Refusals
from inference.routing.needs import estimate_tokens
from inference.wire import framing, response_objects
from inference.wire.response_objects import FailedResponseError

_MAX_EVENT_BYTES = 16_777_216
_LAST = frozenset({"response.completed", "response.incomplete"})
_FAILED = frozenset({"response.failed", "response.cancelled"})


class ResponsesStreamReader:
    """Follows one stream. Its last event carries the whole response, and is held back until the row is settled."""

    def __init__(self, ask: Ask, *, refusals: Refusals, geography: str = "") -> None:
        self._ask, self._refusals, self._geography = ask, refusals, geography
        self._splitter = framing.EventSplitter()
        self._response: dict[str, Any] = {}
        self._ending = b""
        self._pieces = self._generated_bytes = 0

    def feed(self, chunk: bytes) -> bytes:
        block = self._splitter.push(chunk)
        if not block:
            if self._splitter.held_bytes > _MAX_EVENT_BYTES:
                raise UpstreamError("the provider sent something that is no event stream; try again")
            return b""
        return b"".join([event for event in framing.split(block) if self._relays(event)])

    @property
    def is_complete(self) -> bool:
        return bool(self._ending)

    def ending(self) -> bytes:
        return self._ending

    def completion(self) -> Completion:
        if not self.is_complete:
            raise UpstreamError("the provider's stream broke off before its end; try again")
        try:
            return completion_from(self._response, orjson.dumps(self._response), geography=self._geography)
        except FailedResponseError as error:
            raise self._refusals.stream_error(error.details) from None
        except (ValueError, TypeError) as error:  # orjson refuses what is nested too deeply
            raise UpstreamError(f"the provider's stream adds up to no answer: {error}; try again") from None

    def usage_so_far(self) -> Usage:
        if self._response:
            return _usage_of(self._response, self._geography)
        return usage.estimate(
            input_bytes=4 * estimate_tokens(self._ask.sketch),
            output_bytes=self._generated_bytes,
            output_pieces=self._pieces,
        )

    def _relays(self, event: bytes) -> bool:
        """Whether the caller sees `event` at once."""
        if self._ending:
            return False
        data = framing.payload(event)
        if data == b"[DONE]":
            return False
        return not data or self._relays_document(event, _parsed(data))

    def _relays_document(self, event: bytes, document: dict[str, Any]) -> bool:
        kind, response = str(document.get("type")), document.get("response")
        if kind in _FAILED:
            raise self._refusals.stream_error(response.get("error") if isinstance(response, dict) else None)
        if kind == "error" or document.get("error"):
            raise self._refusals.stream_error(document.get("error") or document)
        if kind in _LAST:
            if not isinstance(response, dict):
                raise UpstreamError("the provider's stream ends without its response; try again")
            self._response, self._ending = response, event
            return False
        if isinstance(delta := document.get("delta"), str) and delta:
            self._pieces += 1
            self._generated_bytes += len(delta.encode())
        return True


def completion_from(document: Any, body: bytes, *, geography: str) -> Completion:
    """Raises ValueError or AttributeError when `document` is no response."""
    return response_objects.completion_of(document, body, _usage_of(document, geography))


def _usage_of(document: dict[str, Any], geography: str) -> Usage:
    return usage.from_openai(
        document.get("usage"),
        service_tier=document.get("service_tier"),
        geography=geography,
        web_searches=response_objects.web_searches(document),
    )


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UpstreamError("the provider sent an event that is not JSON; try again") from None
    if not isinstance(document, dict):
        raise UpstreamError("the provider sent an event of the wrong shape; try again")
    return document
