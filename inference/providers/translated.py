"""Lets a provider that speaks chat completions answer in another format."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import orjson

from acron_site.lib.errors import AcronError, UpstreamError
from inference.catalog import Model
from inference.domain import Ask, Completion, Format, Usage
from inference.providers.base import Call, Dialect, StreamReader

_EFFORT = "reasoning_effort"


class StreamTranslation(Protocol):
    """Retells one stream of chat completion chunks in another format."""

    def feed(self, events: bytes) -> bytes:
        """`events` are complete events of a chat stream, its usage chunk included, without `[DONE]`."""
        ...

    def ending(self, document: Mapping[str, Any]) -> bytes:
        """The last events; `document` is the whole answer in the other format."""
        ...


class Translation(Protocol):
    """Between one of the callers' formats and chat completions; pure."""

    def request(self, ask: Ask) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The ask's body as a chat completion request, and the names of the fields that are left out.

        Raises InvalidRequestError naming a field that chat completions cannot express.
        """
        ...

    def answer(self, completion: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        """A whole chat completion in the caller's format. Raises ValueError when it makes no sense."""
        ...

    def stream(self, ask: Ask) -> StreamTranslation: ...


class TranslatedDialect:
    """A dialect for the translation's format, made of one for chat completions."""

    def __init__(self, translation: Translation, chat: Dialect) -> None:
        self._translation, self._chat = translation, chat

    def call(self, ask: Ask, model: Model) -> Call:
        asked, dropped = self._as_chat(ask)
        if "reasoning" not in model.capabilities and _EFFORT in asked.body:
            # callers of these formats ask every model to think, and one that cannot refuses to be asked
            asked = replace(asked, body={name: value for name, value in asked.body.items() if name != _EFFORT})
            dropped += (_EFFORT,)
        call = self._chat.call(asked, model)
        return replace(call, dropped=dropped + call.dropped)

    def completion(self, body: bytes, ask: Ask) -> Completion:
        return _retold(self._chat.completion(body, ask), self._translation, ask)

    def reader(self, ask: Ask, model: Model) -> "TranslatedReader":
        asked, _ = self._as_chat(ask)
        return TranslatedReader(self._chat.reader(asked, model), self._translation, ask)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        return self._chat.refusal(status, headers, body)

    def _as_chat(self, ask: Ask) -> tuple[Ask, tuple[str, ...]]:
        body, dropped = self._translation.request(ask)
        # the usage chunk is always wanted: the other formats tell the usage without being asked
        asked = replace(ask, body=body, sketched=None, format=Format.CHAT, include_usage=True, passed_headers={})
        return asked, dropped


class TranslatedReader:
    """Follows a chat stream and retells it."""

    def __init__(self, chat: StreamReader, translation: Translation, ask: Ask) -> None:
        self._chat, self._translation, self._ask = chat, translation, ask
        self._stream = translation.stream(ask)
        self._completion: Completion | None = None

    def feed(self, chunk: bytes) -> bytes:
        events = self._chat.feed(chunk)
        return self._stream.feed(events) if events else b""

    @property
    def is_complete(self) -> bool:
        return self._chat.is_complete

    def completion(self) -> Completion:
        if self._completion is None:
            self._completion = _retold(self._chat.completion(), self._translation, self._ask)
        return self._completion

    def ending(self) -> bytes:
        return self._stream.ending(orjson.loads(self.completion().body))

    def usage_so_far(self) -> Usage:
        return self._chat.usage_so_far()


def _retold(completion: Completion, translation: Translation, ask: Ask) -> Completion:
    try:
        document = translation.answer(orjson.loads(completion.body), ask)
        return replace(completion, body=orjson.dumps(document))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UpstreamError(f"the provider's answer cannot be told in this format: {error}; try again") from None
