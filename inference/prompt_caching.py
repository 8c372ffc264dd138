"""Marks the beginnings of Anthropic requests that are worth keeping in the provider's prompt cache."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import orjson

# how long Anthropic keeps what is marked; each use begins the time anew
# (https://platform.claude.com/docs/en/build-with-claude/prompt-caching)
LIFETIME_SECONDS = 300
# a shorter beginning is not kept by any of its models; 4 bytes a token
SHORTEST_BYTES = 4 * 1024
_MOST_REMEMBERED = 20_000
_MARK = {"type": "ephemeral"}
_TURN = 2  # a turn of a conversation adds an answer and a question


class PromptCaching:
    """Remembers the beginnings of one process's requests, and marks one that comes again within its lifetime.

    Writing to the cache costs a quarter more than the tokens themselves and reading a tenth of them (accounting.md,
    rules 3 and 4), so one use pays for the writing. The first request with a beginning is never marked: most never
    come back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def marked(self, body: dict[str, Any], *, organization_id: UUID) -> dict[str, Any]:
        """The request with marks where they pay; a request that has marks of its own is left as it is."""
        if b'"cache_control"' in (whole := orjson.dumps(body)) or len(whole) < SHORTEST_BYTES:
            return body
        place = orjson.dumps([organization_id, body.get("model")])
        base = orjson.dumps([body.get("tools"), body.get("system")])
        messages = body.get("messages")
        turns = messages if isinstance(messages, list) else []
        is_base_known = self._note(place + base)
        earlier = place + base + orjson.dumps(turns[:-_TURN])
        is_conversation_known = len(turns) > _TURN and self._is_known(earlier)
        self._note(place + base + orjson.dumps(turns))
        if is_base_known and len(base) >= SHORTEST_BYTES:
            body = _with_marked_base(body)
        return _with_marked_turn(body) if is_conversation_known else body

    def _note(self, beginning: bytes) -> bool:
        """Whether it was seen within its lifetime; it counts as seen from now on."""
        was_known = self._is_known(beginning)
        key = _digest(beginning)
        self._seen[key] = self._clock()
        self._seen.move_to_end(key)
        while len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return was_known

    def _is_known(self, beginning: bytes) -> bool:
        seen_at = self._seen.get(_digest(beginning))
        return seen_at is not None and self._clock() - seen_at < LIFETIME_SECONDS


def _digest(beginning: bytes) -> bytes:
    return hashlib.blake2b(beginning, digest_size=16).digest()


def _with_marked_base(body: dict[str, Any]) -> dict[str, Any]:
    """Instructions follow tools in what the provider reads, so a mark on them covers both."""
    system, tools = body.get("system"), body.get("tools")
    if isinstance(system, str) and system:
        return {**body, "system": [{"type": "text", "text": system, "cache_control": _MARK}]}
    for name, blocks in (("system", system), ("tools", tools)):
        if isinstance(blocks, list) and blocks and isinstance(blocks[-1], dict):
            return {**body, name: [*blocks[:-1], {**blocks[-1], "cache_control": _MARK}]}
    return body


def _with_marked_turn(body: dict[str, Any]) -> dict[str, Any]:
    *earlier, last = body["messages"]
    content = last.get("content") if isinstance(last, Mapping) else None
    if isinstance(content, str) and content:
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list) or not content or not isinstance(content[-1], dict):
        return body
    marked = [*content[:-1], {**content[-1], "cache_control": _MARK}]
    return {**body, "messages": [*earlier, {**last, "content": marked}]}
