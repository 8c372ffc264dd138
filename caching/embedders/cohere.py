"""Embeds at Cohere, through its official SDK."""

from collections.abc import Sequence
from typing import Any

from caching.embedders.remote import Bounds, Client, Reply, Service
from caching.protocols import EmbeddingError, Purpose, Space

# the first is what is used when no model is named
DIMENSIONS = {"embed-v4.0": 1536, "embed-multilingual-v3.0": 1024, "embed-english-v3.0": 1024}
_SERVER = "https://api.cohere.com"
# its documented limit of texts, and far below 128,000 tokens
_BOUNDS = Bounds(texts=96, characters=100_000)
_INPUT_TYPES = {Purpose.QUERY: "search_query", Purpose.DOCUMENT: "search_document"}


def service(model: str, dimension: int, *, api_key: str, server_url: str, timeout_seconds: float) -> Service:
    def connect() -> Client:
        return _Client(model, dimension, api_key=api_key, server_url=server_url, timeout_seconds=timeout_seconds)

    return Service("cohere", model, Space(f"cohere-{model}:{dimension}:1", dimension), _BOUNDS, connect)


class _Client:
    def __init__(self, model: str, dimension: int, *, api_key: str, server_url: str, timeout_seconds: float) -> None:
        import cohere
        import httpx
        from cohere.core.api_error import ApiError
        from cohere.core.parse_error import ParsingError

        self._refusal = ApiError
        # ValueError: an answer that is no JSON, or not in the form the SDK expects
        self._failures = (httpx.HTTPError, ParsingError, ValueError, TypeError)
        # only some models can answer in another dimension than their own
        self._options: dict[str, Any] = {} if dimension == DIMENSIONS.get(model) else {"output_dimension": dimension}
        self._model = model
        self._http = httpx.AsyncClient(timeout=timeout_seconds)
        self._sdk = cohere.AsyncClientV2(
            api_key, base_url=server_url or _SERVER, max_retries=0, httpx_client=self._http
        )

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Reply:
        try:
            answer = await self._sdk.embed(
                model=self._model,
                texts=texts,
                input_type=_INPUT_TYPES[purpose],
                embedding_types=["float"],
                truncate="NONE",  # two texts that differ behind the cut would look the same
                **self._options,
            )
            return _reply_of(answer)
        except self._refusal as error:
            raise EmbeddingError(f"cohere answered {error.status_code}") from None
        except self._failures as error:
            raise EmbeddingError(f"cohere: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._http.aclose()


def _reply_of(answer: Any) -> Reply:
    vectors = getattr(getattr(answer, "embeddings", None), "float_", None)
    if not isinstance(vectors, list):
        raise EmbeddingError("cohere answered without vectors")
    billed = getattr(getattr(answer, "meta", None), "billed_units", None)
    return Reply(vectors, int(getattr(billed, "input_tokens", None) or 0))
