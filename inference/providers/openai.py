"""OpenAI's chat completions, as OpenAI and compatible servers speak them."""

from collections.abc import Mapping
from typing import Any

import orjson

from acron_site.lib.errors import AcronError, InvalidRequestError, UpstreamError
from inference import usage
from inference.catalog import Model
from inference.domain import Ask, Completion
from inference.providers.base import Call
from inference.providers.openai_stream import OpenAIStreamReader
from inference.providers.refusals import Refusals
from inference.wire.openai import completion_of

# what a model without "sampling" among its capabilities answers with 400
_SAMPLING = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
)


class OpenAIDialect:
    """Passes requests on with as few changes as possible; answers are relayed unchanged.

    `name` is shown in errors, `key_name` is the variable the operator keeps the key in; `geography` is "us"
    or "eu" where the provider charges for it. `is_own_key`: the key is the calling organization's.
    """

    def __init__(
        self,
        *,
        api_key: str,
        name: str = "openai",
        key_name: str = "OPENAI_API_KEY",
        geography: str = "",
        is_own_key: bool = False,
    ) -> None:
        self._headers = {"Content-Type": "application/json"}
        if api_key:  # a local server may want none
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._name = name
        self._geography = geography
        self._refusals = Refusals(name, key_name, is_own_key=is_own_key)

    def call(self, ask: Ask, model: Model) -> Call:
        body = {**ask.body, "model": model.upstream_model}
        _set_stream(body, ask)
        dropped = _drop_rejected(body, model)
        try:
            encoded = orjson.dumps(body)
        except TypeError as error:  # orjson's own error is one
            raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None
        return Call(
            url=model.base_url.rstrip("/") + "/chat/completions",
            headers=self._headers,
            body=encoded,
            stream=ask.stream,
            dropped=dropped,
        )

    def completion(self, body: bytes, ask: Ask) -> Completion:  # noqa: ARG002 (the dialects' common signature)
        try:
            document = orjson.loads(body)
            counted = usage.from_openai(
                document.get("usage"), service_tier=document.get("service_tier"), geography=self._geography
            )
            return completion_of(document, body, counted)
        except (ValueError, AttributeError) as error:
            raise UpstreamError(f"{self._name} sent something that is no answer: {error}; try again") from None

    def reader(self, ask: Ask, model: Model) -> OpenAIStreamReader:  # noqa: ARG002 (the dialects' common signature)
        return OpenAIStreamReader(ask, refusals=self._refusals, geography=self._geography)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        return self._refusals.error(status, headers, body)


def _set_stream(body: dict[str, Any], ask: Ask) -> None:
    """Usage is always asked for: a stream without it could not be priced."""
    options = body.pop("stream_options", None)
    if not ask.stream:
        body.pop("stream", None)
        return
    body["stream"] = True
    body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}


def _drop_rejected(body: dict[str, Any], model: Model) -> tuple[str, ...]:
    if "sampling" in model.capabilities:
        return ()
    if model.provider == "openai" and "max_tokens" in body:
        # reasoning models know it by its new name only
        limit = body.pop("max_tokens")
        body.setdefault("max_completion_tokens", limit)
    return tuple(name for name in _SAMPLING if body.pop(name, None) is not None)
