"""Anthropic's Messages API, spoken to as if it were OpenAI's chat completions."""

import time
from collections.abc import Callable, Mapping

import orjson

from acron_site.lib.errors import AcronError, InvalidRequestError, UpstreamError
from inference import usage
from inference.catalog import Model
from inference.domain import Ask, Completion
from inference.providers.anthropic_access import AnthropicAccess
from inference.providers.anthropic_stream import AnthropicStreamReader
from inference.providers.base import Call
from inference.wire import anthropic, anthropic_answers, anthropic_tools
from inference.wire.openai import completion_of


class AnthropicDialect:
    """Translates chat completions both ways. `key_name` is the variable the operator keeps the key in.

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
        self._access = AnthropicAccess(api_key=api_key, name=name, key_name=key_name, is_own_key=is_own_key)
        self._clock = clock

    def call(self, ask: Ask, model: Model) -> Call:
        body, dropped = anthropic.request(ask.body, model=model, stream=ask.stream)
        try:
            encoded = orjson.dumps(body)
        except TypeError as error:  # orjson's own error is one
            raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None
        return Call(
            url=self._access.messages_url(model),
            headers=self._access.headers,
            body=encoded,
            stream=ask.stream,
            dropped=dropped,
        )

    def completion(self, body: bytes, ask: Ask) -> Completion:
        as_function = anthropic_tools.wants_functions(ask.body)
        try:
            message = orjson.loads(body)
            document = anthropic_answers.response(message, created=int(self._clock()), as_function=as_function)
            counted = usage.from_anthropic(message.get("usage"))
            return completion_of(document, orjson.dumps(document), counted)
        except (ValueError, TypeError, AttributeError) as error:  # orjson refuses what is nested too deeply
            raise UpstreamError(f"{self._access.name} sent something that is no answer: {error}; try again") from None

    def reader(self, ask: Ask, model: Model) -> AnthropicStreamReader:  # noqa: ARG002 (the dialects' common signature)
        return AnthropicStreamReader(ask, refusals=self._access.refusals, created=int(self._clock()))

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        return self._access.refusals.error(status, headers, body)
