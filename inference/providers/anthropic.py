"""Anthropic's Messages API, spoken to as if it were OpenAI's chat completions."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from acron_site.lib.errors import AcronError, InvalidRequestError, UpstreamError
from inference import usage
from inference.catalog import Model
from inference.domain import Ask, Completion
from inference.providers.anthropic_stream import AnthropicStreamReader
from inference.providers.base import Call
from inference.providers.refusals import Refusals
from inference.wire import anthropic
from inference.wire.openai import completion_of

_API_VERSION = "2023-06-01"


class AnthropicDialect:
    """Translates text conversations both ways. `key_name` is the variable the operator keeps the key in.

    `is_own_key`: the key is the calling organization's.
    """

    def __init__(
        self,
        *,
        api_key: str,
        name: str = "anthropic",
        key_name: str = "ANTHROPIC_API_KEY",
        clock: Callable[[], float] = time.time,
        is_own_key: bool = False,
    ) -> None:
        self._headers = {
            "Content-Type": "application/json",
            "anthropic-version": _API_VERSION,
            "x-api-key": api_key,
        }
        self._name = name
        self._refusals = Refusals(name, key_name, is_own_key=is_own_key)
        self._clock = clock

    def call(self, ask: Ask, model: Model) -> Call:
        body, dropped = anthropic.request(
            ask.body,
            model=model.upstream_model,
            max_output_tokens=model.max_output_tokens,
            takes_sampling="sampling" in model.capabilities,
            stream=ask.stream,
        )
        try:
            encoded = orjson.dumps(body)
        except TypeError as error:  # orjson's own error is one
            raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None
        return Call(
            url=model.base_url.rstrip("/").removesuffix("/v1") + "/v1/messages",
            headers=self._headers,
            body=encoded,
            stream=ask.stream,
            dropped=dropped,
        )

    def completion(self, body: bytes, ask: Ask) -> Completion:  # noqa: ARG002 (the dialects' common signature)
        try:
            message = orjson.loads(body)
            document = anthropic.response(message, created=int(self._clock()))
            counted = usage.from_anthropic(message.get("usage"))
            completed = completion_of(document, orjson.dumps(document), counted)
            return replace(completed, side_usages=usage.side_usages(message.get("usage")))
        except (ValueError, AttributeError) as error:
            raise UpstreamError(f"{self._name} sent something that is no answer: {error}; try again") from None

    def reader(self, ask: Ask, model: Model) -> AnthropicStreamReader:  # noqa: ARG002 (the dialects' common signature)
        return AnthropicStreamReader(ask, refusals=self._refusals, created=int(self._clock()))

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        return self._refusals.error(status, headers, body)
