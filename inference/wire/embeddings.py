"""Reads `POST /v1/embeddings`: an OpenAI request for vectors, with ACRON's own fields under `acron`."""

from collections.abc import Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Ask, Format, RoutingMode
from inference.wire import chat, controls, fields
from inference.wire.http import Head

ENDPOINT = "embeddings"

_MOST_INPUTS = 2048
_MOST_DIMENSIONS = 100_000
# characters, as where prompts are estimated by their length
_LENGTH_OF_A_TOKEN = 4


def read(body: bytes, head: Head) -> Ask:
    """Raises InvalidRequestError naming the field and what it must be."""
    document = fields.parse_object(body)
    own = chat.take_own(document)
    model = _model(document, own)
    _check_options(document)
    inputs = _inputs(document.get("input"))
    return Ask(
        request_id=head.request_id,
        endpoint=ENDPOINT,
        mode=RoutingMode.EXPLICIT,
        model_requested=model,
        body=document,
        started=head.started,
        controls=controls.parse(head.cache_control, head.namespace, own.get("cache")),
        end_user=fields.text(document, "user")[:256],
        format=Format.EMBEDDINGS,
        sketched={"messages": [{"role": "user", "content": text} for text in inputs], "max_tokens": 0},
        idempotency_key=head.idempotency_key,
        **(chat.steering(own, path="acron.") if own else {}),
    )


def _model(document: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """Vectors of different models cannot be compared, so the model is the caller's to choose."""
    model = fields.text(document, "model")
    if not model or chat.mode_of(model, own) is not RoutingMode.EXPLICIT:
        raise InvalidRequestError(
            "'model' must name an embedding model, such as text-embedding-3-small; it cannot be chosen automatically",
            param="model",
        )
    return model


def _check_options(document: Mapping[str, Any]) -> None:
    if fields.flag(document, "stream"):
        raise InvalidRequestError("embeddings cannot be streamed; leave 'stream' out", param="stream")
    fields.choice(document, "encoding_format", ("float", "base64"))
    fields.whole_number(document, "dimensions", 1, _MOST_DIMENSIONS)


def _inputs(given: Any) -> list[str]:
    """The texts to embed, or something of the same length for each list of tokens."""
    if isinstance(given, str) or _is_tokens(given):
        return [_text_of(given, "input")]
    if not isinstance(given, list) or not given:
        raise InvalidRequestError(
            "'input' must be a text, a list of texts, a list of tokens, or a list of such lists; not empty",
            param="input",
        )
    if len(given) > _MOST_INPUTS:
        raise InvalidRequestError(
            f"'input' has {len(given)} entries; send at most {_MOST_INPUTS} in one request", param="input"
        )
    return [_text_of(entry, f"input[{index}]") for index, entry in enumerate(given)]


def _text_of(entry: Any, place: str) -> str:
    if isinstance(entry, str) and entry:
        return entry
    if _is_tokens(entry):
        return " " * (_LENGTH_OF_A_TOKEN * len(entry))
    raise InvalidRequestError(f"{place} must be a text that is not empty, or a list of tokens", param=place)


def _is_tokens(entry: Any) -> bool:
    return isinstance(entry, list) and bool(entry) and all(type(token) is int and token >= 0 for token in entry)
