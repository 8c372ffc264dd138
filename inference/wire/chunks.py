"""Adds the chunks of an OpenAI stream up to the chat completion they tell."""

from collections.abc import Mapping
from typing import Any, TypeVar

_NOT_KEPT = frozenset({"object", "choices", "usage", "obfuscation", "error"})
_READ_ELSEWHERE = frozenset({"index", "delta", "finish_reason"})
# strings that come whole (some servers repeat them in every chunk); all others come in pieces
_COME_WHOLE = frozenset({"role", "id", "type", "name", "format"})
_WORDS = frozenset({"content"})

_Kind = TypeVar("_Kind")


class _Text(list[str]):
    """A string that arrives in pieces: joined once, at the end."""


class _Indexed(dict[int, dict[str, Any]]):
    """A list whose items arrive in pieces, told apart by their `index`."""


class _Choice:
    def __init__(self) -> None:
        self.message: dict[str, Any] = {"role": "assistant"}
        self.rest: dict[str, Any] = {"logprobs": None}
        self.finish_reason: str | None = None


class ChunkAssembler:
    """What the chunks of one stream add up to. `pieces` and `text_bytes` measure what was generated."""

    def __init__(self) -> None:
        self.usage: dict[str, Any] | None = None
        self.pieces = 0
        self.text_bytes = 0
        self._head: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Any) -> None:
        """Raises ValueError when `chunk` is no chat completion chunk."""
        if not isinstance(chunk, dict):
            raise _not_a_chunk("a chunk")
        choices = chunk.get("choices")
        for name, value in chunk.items():
            if name not in _NOT_KEPT and value is not None:
                self._head[name] = value
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = usage
        for choice in choices if isinstance(choices, list) else ():
            self._add_choice(choice)

    @property
    def finish_reasons(self) -> tuple[str, ...]:
        """One for each choice seen; "" while it is not finished."""
        return tuple(self._choices[index].finish_reason or "" for index in sorted(self._choices))

    @property
    def service_tier(self) -> Any:
        return self._head.get("service_tier")

    def document(self) -> dict[str, Any]:
        """The chat completion as JSON values."""
        choices = [self._settled_choice(index) for index in sorted(self._choices)]
        document = {**self._head, "object": "chat.completion", "choices": choices}
        return document if self.usage is None else {**document, "usage": self.usage}

    def _add_choice(self, part: Any) -> None:
        if not isinstance(part, dict):
            raise _not_a_chunk("a choice")
        index, delta = part.get("index", 0), part.get("delta") or {}
        if not isinstance(index, int) or not isinstance(delta, dict):
            raise _not_a_chunk("a choice")
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        if delta.keys() == _WORDS and not any(part[name] for name in part.keys() - _READ_ELSEWHERE):
            text, reason = delta["content"], part.get("finish_reason")
            if reason is None and isinstance(text, str):  # nearly all chunks: a few more words
                self._add_text(choice.message, "content", text)
                return
        self._merge(choice.message, delta)
        if isinstance(reason := part.get("finish_reason"), str):
            choice.finish_reason = reason
        self._add_rest(choice.rest, part)

    def _add_rest(self, rest: dict[str, Any], part: Mapping[str, Any]) -> None:
        for name, value in part.items():
            if value is None or name in _READ_ELSEWHERE:
                continue
            if name == "logprobs" and isinstance(value, dict):
                self._merge(_child(rest, name, dict), value)
            else:
                rest[name] = value

    def _merge(self, target: dict[str, Any], delta: Mapping[str, Any]) -> None:
        for name, value in delta.items():
            if isinstance(value, str):
                self._add_text(target, name, value)
            elif isinstance(value, dict):
                self._merge(_child(target, name, dict), value)
            elif isinstance(value, list):
                self._add_items(target, name, value)
            elif value is not None:
                target[name] = value
            else:
                target.setdefault(name, None)

    def _add_text(self, target: dict[str, Any], name: str, text: str) -> None:
        if name in _COME_WHOLE:
            if text or name not in target:
                target[name] = text
            return
        if text:
            self.pieces += 1
            self.text_bytes += len(text.encode())
        _child(target, name, _Text).append(text)

    def _add_items(self, target: dict[str, Any], name: str, items: list[Any]) -> None:
        for item in items:
            if isinstance(item, dict) and isinstance(index := item.get("index"), int):
                indexed = _child(target, name, _Indexed)
                self._merge(indexed.setdefault(index, {}), {k: v for k, v in item.items() if k != "index"})
            else:
                _child(target, name, list).append(item)

    def _settled_choice(self, index: int) -> dict[str, Any]:
        choice = self._choices[index]
        message = {"role": choice.message["role"], "content": None, **_settled(choice.message)}
        if not message["content"] and ("tool_calls" in message or "function_call" in message):
            message["content"] = None
        return {"index": index, "message": message, **choice.rest, "finish_reason": choice.finish_reason}


def _child(target: dict[str, Any], name: str, kind: type[_Kind]) -> _Kind:
    """What stands under `name`, begun anew when it is of another kind."""
    child = target.get(name)
    if type(child) is not kind:
        child = target[name] = kind()
    return child


def _settled(value: Any) -> Any:
    if isinstance(value, _Text):
        return "".join(value)
    if isinstance(value, _Indexed):
        return [_settled(value[index]) for index in sorted(value)]
    if isinstance(value, dict):
        return {name: _settled(item) for name, item in value.items()}
    return value


def _not_a_chunk(what: str) -> ValueError:
    return ValueError(f"{what} has the wrong shape")
