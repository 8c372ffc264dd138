"""The HTTP side of the door: what its head says, how its body is read, how an error is written."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson

from acron_site.lib.errors import (
    AcronError,
    RequestTooLargeError,
    UnsupportedMediaTypeError,
    error_body,
)
from acron_site.lib.ids import is_request_id, new_request_id
from acron_site.lib.values import quick

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# a client that is still sending cannot read a refusal: take this many times the limit in before giving up on it
_PATIENCE = 4


_LONGEST_LENGTH = 16  # digits; whoever announces more is measured as the body comes


class CallerGone(Exception):  # noqa: N818 - no error, an event
    """The caller hung up before the request was complete."""


@quick
@dataclass(frozen=True, slots=True)
class Head:
    request_id: str
    started: float
    authorization: str | None = None
    api_key: str | None = None
    content_type: str = ""
    content_encoding: str = ""
    cache_control: str = ""
    namespace: str = ""
    idempotency_key: str = ""
    anthropic_version: str = ""
    anthropic_beta: str = ""
    openai_beta: str = ""
    content_length: int = 0  # as the caller says; 0 when it does not


_FIELDS = {
    b"authorization": "authorization",
    b"x-api-key": "api_key",
    b"x-request-id": "request_id",
    b"content-type": "content_type",
    b"content-encoding": "content_encoding",
    b"cache-control": "cache_control",
    b"x-acron-cache-namespace": "namespace",
    b"idempotency-key": "idempotency_key",
    b"anthropic-version": "anthropic_version",
    b"anthropic-beta": "anthropic_beta",
    b"openai-beta": "openai_beta",
    b"content-length": "content_length",
}


def read_head(headers: Iterable[tuple[bytes, bytes]], started: float) -> Head:
    """The headers the gateway looks at; a caller's request id is kept if it is a valid one."""
    found: dict[str, Any] = {_FIELDS[name]: value.decode("latin-1") for name, value in headers if name in _FIELDS}
    length = found.get("content_length", "")
    found["content_length"] = (
        int(length) if length.isascii() and length.isdigit() and len(length) < _LONGEST_LENGTH else 0
    )
    if not is_request_id(found.get("request_id", "")):
        found["request_id"] = new_request_id()
    return Head(started=started, **found)


async def read_body(receive: Receive, head: Head, limit: int) -> bytes:
    """The whole JSON body. Raises UnsupportedMediaTypeError, RequestTooLargeError or CallerGone."""
    _require_json(head)
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        return _within(message["body"], limit)
    return await _gather(receive, message, limit)


async def _gather(receive: Receive, message: MutableMapping[str, Any], limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise CallerGone
        piece = message.get("body", b"")
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
        elif size > limit * _PATIENCE:
            raise _too_large(limit)
        if not message.get("more_body"):
            break
        message = await receive()
    if size > limit:
        raise _too_large(limit)
    return b"".join(pieces)


def refusal(
    error: AcronError, request_id: str, body_of: Callable[[AcronError, str], Mapping[str, Any]] = error_body
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of an error."""
    own = [(b"content-type", b"application/json"), (b"x-request-id", request_id.encode())]
    own += [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in error.headers.items()]
    return error.status, own, orjson.dumps(body_of(error, request_id))


def _require_json(head: Head) -> None:
    kind = head.content_type.partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMediaTypeError(f"send JSON with Content-Type: application/json, not {kind[:100]}")
    if head.content_encoding.lower() not in ("", "identity"):
        raise UnsupportedMediaTypeError("send the body uncompressed, without Content-Encoding")


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the request is larger than {limit} bytes; send less, or ask the operator to raise api.max_body_bytes",
        headers={"connection": "close"},
    )
