"""Anthropic's Messages API for callers who speak it themselves: relayed, byte for byte where it can be."""

from collections.abc import Mapping
from typing import Any

import orjson

from acron_site.lib.errors import AcronError, InvalidRequestError, UpstreamError
from inference.catalog import Model
from inference.domain import Ask, Completion
from inference.providers.anthropic_access import AnthropicAccess
from inference.providers.base import Call
from inference.providers.messages_stream import MessagesStreamReader
from inference.wire.anthropic_message import completion_of

_SAMPLING = ("temperature", "top_p", "top_k")


class MessagesDialect:
    """Passes requests on with as few changes as possible; answers are relayed unchanged."""

    def __init__(
        self,
        *,
        api_key: str,
        name: str = "anthropic",
        key_name: str = "ANTHROPIC_API_KEY",
        is_own_key: bool = False,
    ) -> None:
        self._access = AnthropicAccess(api_key=api_key, name=name, key_name=key_name, is_own_key=is_own_key)

    def call(self, ask: Ask, model: Model) -> Call:
        body = {**ask.body, "model": model.upstream_model}
        body.pop("stream", None)
        if ask.stream:
            body["stream"] = True
        is_sampling = "sampling" in model.capabilities
        dropped = () if is_sampling else tuple(name for name in _SAMPLING if body.pop(name, None) is not None)
        return self._call(self._access.messages_url(model), body, ask, dropped=dropped)

    def count_call(self, ask: Ask, model: Model) -> Call:
        """Asks how many tokens the request is."""
        body = {**ask.body, "model": model.upstream_model}
        return self._call(self._access.messages_url(model) + "/count_tokens", body, ask)

    def counted(self, body: bytes) -> int:
        """Raises UpstreamError when the body is no count."""
        try:
            count = orjson.loads(body)["input_tokens"]
        except (ValueError, KeyError, TypeError):
            count = None
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise UpstreamError(f"{self._access.name} sent something that is no count of tokens; try again")
        return count

    def completion(self, body: bytes, ask: Ask) -> Completion:  # noqa: ARG002 (the dialects' common signature)
        try:
            return completion_of(orjson.loads(body), body)
        except (ValueError, TypeError, AttributeError) as error:
            raise UpstreamError(f"{self._access.name} sent something that is no answer: {error}; try again") from None

    def reader(self, ask: Ask, model: Model) -> MessagesStreamReader:  # noqa: ARG002 (the dialects' common signature)
        return MessagesStreamReader(ask, refusals=self._access.refusals)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        return self._access.refusals.error(status, headers, body)

    def _call(self, url: str, body: Mapping[str, Any], ask: Ask, *, dropped: tuple[str, ...] = ()) -> Call:
        try:
            encoded = orjson.dumps(body)
        except TypeError as error:  # orjson's own error is one
            raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None
        headers = {**self._access.headers, **ask.passed_headers}
        return Call(url=url, headers=headers, body=encoded, stream=ask.stream, dropped=dropped)
