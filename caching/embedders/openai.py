"""Embeds at OpenAI or a server that speaks its API, through the official SDK."""

from collections.abc import Sequence
from typing import Any

from caching.embedders.remote import Bounds, Client, Reply, Service
from caching.protocols import EmbeddingError, Purpose, Space

# the first is what is used when no model is named
DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
_SERVER = "https://api.openai.com/v1"
# 300,000 tokens are its limit for one call, and a token is at least a byte: at most four of a character
_BOUNDS = Bounds(texts=2048, characters=75_000)


def service(model: str, dimension: int, *, api_key: str, server_url: str, timeout_seconds: float) -> Service:
    def connect() -> Client:
        return _Client(model, dimension, api_key=api_key, server_url=server_url, timeout_seconds=timeout_seconds)

    return Service("openai", model, Space(f"openai-{model}:{dimension}:1", dimension), _BOUNDS, connect)


class _Client:
    def __init__(self, model: str, dimension: int, *, api_key: str, server_url: str, timeout_seconds: float) -> None:
        import openai

        self._refusal = openai.APIStatusError
        # ValueError and TypeError: an answer that is no JSON, or not in the form the SDK expects
        self._failures = (openai.OpenAIError, ValueError, TypeError, AttributeError)
        # only some models can answer in another dimension than their own
        self._options: dict[str, Any] = {} if dimension == DIMENSIONS.get(model) else {"dimensions": dimension}
        self._model = model
        self._sdk = openai.AsyncOpenAI(
            api_key=api_key, base_url=server_url or _SERVER, max_retries=0, timeout=timeout_seconds
        )

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Reply:  # noqa: ARG002 its models know one purpose
        try:
            answer = await self._sdk.embeddings.create(model=self._model, input=list(texts), **self._options)
            return _reply_of(answer)
        except self._refusal as error:
            raise EmbeddingError(f"openai answered {error.status_code}") from None
        except self._failures as error:
            raise EmbeddingError(f"openai: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._sdk.close()


def _reply_of(answer: Any) -> Reply:
    rows = sorted(answer.data, key=lambda row: row.index)
    tokens = getattr(getattr(answer, "usage", None), "prompt_tokens", None)
    return Reply([row.embedding for row in rows], int(tokens or 0))
