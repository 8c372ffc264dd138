"""Embeddings, as OpenAI and compatible servers make them: relayed as they are."""

import orjson

from acron_site.lib.errors import InvalidRequestError, UpstreamError
from inference import usage
from inference.catalog import Model
from inference.domain import Ask, Completion
from inference.providers.base import Call, StreamReader
from inference.providers.openai_access import OpenAIAccess


class EmbeddingsDialect(OpenAIAccess):
    def call(self, ask: Ask, model: Model) -> Call:
        body = {**ask.body, "model": model.upstream_model}
        body.pop("stream", None)
        return self._post(model.base_url.rstrip("/") + "/embeddings", body, ask)

    def completion(self, body: bytes, ask: Ask) -> Completion:  # noqa: ARG002 (the dialects' common signature)
        try:
            document = orjson.loads(body)
            vectors = document.get("data")
            if not isinstance(vectors, list) or not vectors:
                raise ValueError("it has no data")  # noqa: TRY301 (a provider's mistake, not ours)
            counted = usage.from_openai(document.get("usage"), geography=self._geography)
            return Completion(body, counted, ("stop",), model_answered=str(document.get("model") or ""))
        except (ValueError, AttributeError) as error:
            raise UpstreamError(f"{self._name} sent something that is no answer: {error}; try again") from None

    def reader(self, ask: Ask, model: Model) -> StreamReader:  # noqa: ARG002 (the dialects' common signature)
        raise InvalidRequestError("embeddings cannot be streamed; leave 'stream' out", param="stream")
