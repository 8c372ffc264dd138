"""Which requests are best served by one deployment, because its provider's prompt cache knows their beginning."""

import hashlib

import orjson

from inference.facts import Visit

_BEGINNING = 2  # messages: the instructions and the first question are the same through a whole conversation


def of(visit: Visit) -> str:
    """The caller's `prompt_cache_key` if there is one, else the beginning of the conversation; per organization."""
    body = visit.ask.sketch
    told = body.get("prompt_cache_key")
    beginning = told if isinstance(told, str) and told else list(body.get("messages", ())[:_BEGINNING])
    shape = orjson.dumps([visit.principal.organization_id, beginning])
    return hashlib.blake2b(shape, digest_size=8).hexdigest()
