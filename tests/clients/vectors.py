"""The stand-in's embeddings: each text has a direction of its own."""

import base64
import random
import struct
from typing import Any

from tests.clients import models
from tests.clients.exchange import Asked, Memory, Refusal, Reply
from tests.clients.invention import tokens_in

_DIMENSIONS = 1536


def answer(asked: Asked, memory: Memory) -> Reply:
    body = asked.body
    name = models.check(asked, "embedding")
    texts = _texts(body.get("input"))
    width = body.get("dimensions") or _DIMENSIONS
    shown = [_shown(_vector(repr(text), width), body.get("encoding_format")) for text in texts]
    tokens = tokens_in(texts)
    return Reply(
        document={
            "object": "list",
            "data": [{"object": "embedding", "index": place, "embedding": each} for place, each in enumerate(shown)],
            "model": name,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _texts(given: Any) -> list[Any]:
    if isinstance(given, str) and given:
        return [given]
    if not isinstance(given, list) or not given or "" in given:
        raise Refusal(400, "'$.input' is invalid.", param="input")
    return [given] if all(isinstance(each, int) for each in given) else given


def _vector(text: str, width: int) -> list[float]:
    draw = random.Random(text)
    drawn = [draw.uniform(-1, 1) for _ in range(width)]
    length = sum(each * each for each in drawn) ** 0.5
    # as exact as base64 tells them
    return list(struct.unpack(f"<{width}f", struct.pack(f"<{width}f", *(each / length for each in drawn))))


def _shown(vector: list[float], encoding: Any) -> Any:
    if encoding == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return vector
