"""One request to the stand-in and what it replies: the frame that all of its APIs share."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_OPENAI_TYPES = {429: "requests", 500: "server_error", 503: "server_error", 529: "server_error"}


@dataclass
class Memory:
    """What the stand-in remembers between calls."""

    flaky: set[str] = field(default_factory=set)  # has failed once
    cached: set[str] = field(default_factory=set)  # prompts in Anthropic's cache
    responses: dict[str, Any] = field(default_factory=dict)  # id -> (items so far, the response)


@dataclass
class Asked:
    """A request. `body` is looked at as JSON only by who wants it so."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes

    @cached_property
    def body(self) -> dict[str, Any]:
        try:
            document = json.loads(self.raw)
        except ValueError:
            raise Refusal(400, "We could not parse the JSON body of your request.") from None
        if not isinstance(document, dict):
            raise Refusal(400, "The JSON body of your request must be an object.")
        return document

    @property
    def is_anthropic(self) -> bool:
        return self.path.startswith("/v1/messages") or "anthropic-version" in self.headers

    def check_key(self, key: str) -> None:
        given = self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
        if given != key:
            raise Refusal(401, "Incorrect API key provided.", code="invalid_api_key")

    def for_the_books(self, kept_headers: Iterable[str]) -> dict[str, Any]:
        try:
            body = json.loads(self.raw) if self.raw else None
        except ValueError:
            body = None
        kept = {name: self.headers[name] for name in kept_headers if name in self.headers}
        return {"method": self.method, "path": self.path, "headers": kept, "body": body}


@dataclass
class Reply:
    """A whole answer, or a stream of `events`. `is_cut`: the connection breaks in the middle of it."""

    document: Any = None
    events: Iterable[bytes] | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    is_cut: bool = False


class Refusal(Exception):  # noqa: N818 (it is an answer)
    """An error in the words of the API that was called."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, retry_after: str = ""
    ) -> None:
        super().__init__(message)
        self._status, self._message, self._param, self._code = status, message, param, code
        self._headers = {"retry-after": retry_after} if retry_after else {}

    def reply(self, asked: Asked) -> Reply:
        document = self._anthropic() if asked.is_anthropic else self._openai()
        return Reply(document=document, status=self._status, headers=self._headers)

    def _anthropic(self) -> dict[str, Any]:
        error = {"type": _ANTHROPIC_TYPES.get(self._status, "api_error"), "message": self._message}
        return {"type": "error", "error": error, "request_id": "req_standin"}

    def _openai(self) -> dict[str, Any]:
        kind = _OPENAI_TYPES.get(self._status, "invalid_request_error")
        return {"error": {"message": self._message, "type": kind, "param": self._param, "code": self._code}}


def data_event(document: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(document, ensure_ascii=False).encode()


def typed_event(document: Mapping[str, Any]) -> bytes:
    """An event with a name of its own, as Anthropic and OpenAI's responses send them."""
    return b"event: %b\n%b" % (str(document["type"]).encode(), data_event(document))
