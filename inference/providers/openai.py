"""OpenAI's chat completions, as OpenAI and compatible servers speak them."""

from typing import Any

import orjson

from acron_site.lib.errors import UpstreamError
from inference import usage
from inference.catalog import Model
from inference.domain import Ask, Completion
from inference.providers.base import Call
from inference.providers.openai_access import OpenAIAccess
from inference.providers.openai_stream import OpenAIStreamReader
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


class OpenAIDialect(OpenAIAccess):
    """Passes requests on with as few changes as possible; answers are relayed unchanged."""

    def call(self, ask: Ask, model: Model) -> Call:
        body = {**ask.body, "model": model.upstream_model}
        _set_stream(body, ask)
        dropped = _drop_rejected(body, model)
        return self._post(model.base_url.rstrip("/") + "/chat/completions", body, ask, dropped=dropped)

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
