"""Turns the messages of a chat into Anthropic's system prompt and turns of user and assistant."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from acron_site.lib.errors import InvalidRequestError
from inference.wire import anthropic_parts, fields
from inference.wire.anthropic_parts import Block

# what Anthropic allows in the id of a call
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
# what a block of past thinking must hold to be believed
_THOUGHTS = {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}


@dataclass(frozen=True, slots=True)
class Conversation:
    """`called` names the tools that the assistant called so far."""

    system: str | list[Block]
    messages: list[dict[str, Any]]
    called: tuple[str, ...]

    @property
    def is_amid_unthought_calls(self) -> bool:
        """Whether the last thing the assistant did was to call tools, and what it thought before is not there."""
        said = next((turn["content"] for turn in reversed(self.messages) if turn["role"] == "assistant"), "")
        if isinstance(said, str):
            return False
        return said[0]["type"] not in _THOUGHTS and any(block["type"] == "tool_use" for block in said)


@dataclass(slots=True)
class _Turn:
    role: str
    results: list[Block] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Anthropic wants results of tools before anything else."""
        content = self.results + self.blocks
        if len(content) == 1 and content[0].keys() == {"type", "text"}:
            return {"role": self.role, "content": content[0]["text"]}
        return {"role": self.role, "content": content}


def read(messages: Any) -> Conversation:
    """Neighbours of the same role become one turn. Raises InvalidRequestError naming what cannot be told."""
    if not isinstance(messages, list):
        raise InvalidRequestError("messages must be a list of messages", param="messages")
    reader = _Reader()
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if not isinstance(message, dict):
            raise InvalidRequestError(f"{place} must be an object with role and content", param=place)
        reader.add(message, place)
    return reader.conversation()


class _Reader:
    """Follows the messages. Calls that wait for their results stand in `_open`, by the caller's id."""

    def __init__(self) -> None:
        self._system: list[Block] = []
        self._turns: list[_Turn] = []
        self._called: dict[str, None] = {}
        self._open: dict[str, str] = {}
        self._open_place = ""
        self._ids: dict[str, int] = {}
        self._roles: dict[str, Callable[[Mapping[str, Any], str], None]] = {
            "system": self._instruct,
            "developer": self._instruct,
            "user": self._ask,
            "assistant": self._answer,
            "tool": self._tool_result,
            "function": self._function_result,
        }

    def add(self, message: Mapping[str, Any], place: str) -> None:
        role = message.get("role")
        take = self._roles.get(role) if isinstance(role, str) else None
        if take is None:
            raise InvalidRequestError(f"{place}.role must be one of {', '.join(self._roles)}", param=f"{place}.role")
        take(message, place)

    def conversation(self) -> Conversation:
        self._expect_no_open_call()
        system = self._system
        if not self._turns:  # instructions alone are a question too
            self._turns, system = [_Turn("user", blocks=system)], []
        if not self._turns[0].results and not self._turns[0].blocks:
            raise InvalidRequestError("messages say nothing; send at least one with a text", param="messages")
        return Conversation(
            system=_instructions(system),
            messages=[turn.told() for turn in self._turns],
            called=tuple(self._called),
        )

    def _instruct(self, message: Mapping[str, Any], place: str) -> None:
        self._system += _said(message, place, anthropic_parts.SAID_BY_SYSTEMS)

    def _ask(self, message: Mapping[str, Any], place: str) -> None:
        if said := _said(message, place, anthropic_parts.SAID_BY_USERS):
            self._turn("user").blocks += said

    def _answer(self, message: Mapping[str, Any], place: str) -> None:
        self._expect_no_open_call()
        if message.get("audio") is not None:
            raise InvalidRequestError(
                f"{place}.audio cannot be sent to Anthropic models; send its transcript as content",
                param=f"{place}.audio",
            )
        said = _said(message, place, anthropic_parts.SAID_BY_ASSISTANTS)
        said = said or anthropic_parts.text_blocks(fields.text(message, "refusal", path=f"{place}."))
        thought = _thoughts(message.get("thinking_blocks"), f"{place}.thinking_blocks")
        if said := said + self._calls(message, place):
            self._turn("assistant").blocks += thought + _marked_at_end(said, message)

    def _calls(self, message: Mapping[str, Any], place: str) -> list[Block]:
        calls = message.get("tool_calls")
        self._open_place = f"{place}.tool_calls"
        if calls is not None and not isinstance(calls, list):
            raise InvalidRequestError(f"{place}.tool_calls must be a list", param=f"{place}.tool_calls")
        blocks = [self._call(call, f"{place}.tool_calls[{index}]") for index, call in enumerate(calls or ())]
        if function := fields.json_object(message, "function_call", path=f"{place}."):
            self._open_place = f"{place}.function_call"
            name = _required(function, "name", f"{place}.function_call")
            blocks.append(self._use(name, function, f"{place}.function_call"))  # its result is told by its name
        return blocks

    def _call(self, call: Any, place: str) -> Block:
        if not isinstance(call, dict) or call.get("type") not in (None, "function"):
            raise InvalidRequestError(f"{place} must be an object of type function", param=place)
        function = fields.json_object(call, "function", path=f"{place}.")
        return anthropic_parts.marked(self._use(_required(call, "id", place), function, f"{place}.function"), call)

    def _use(self, own_id: str, function: Mapping[str, Any], place: str) -> Block:
        if own_id in self._open:
            raise InvalidRequestError(f"{place}: two calls of one message have the same id", param=place)
        name = _required(function, "name", place)
        self._called[name] = None
        self._open[own_id] = sent_id = self._sent_id(own_id)
        given = _arguments(function.get("arguments"), f"{place}.arguments")
        return {"type": "tool_use", "id": sent_id, "name": name, "input": given}

    def _sent_id(self, own_id: str) -> str:
        """The caller's id where Anthropic takes it. Others' models number the calls of each answer anew."""
        plain = sent = _UNFIT.sub("_", own_id)
        while sent in self._ids:
            self._ids[plain] += 1
            sent = f"{plain}_{self._ids[plain]}"
        self._ids[sent] = 1
        return sent

    def _tool_result(self, message: Mapping[str, Any], place: str) -> None:
        self._result(message, place, id_field="tool_call_id")

    def _function_result(self, message: Mapping[str, Any], place: str) -> None:
        self._result(message, place, id_field="name")

    def _result(self, message: Mapping[str, Any], place: str, *, id_field: str) -> None:
        sent_id = self._open.pop(_required(message, id_field, place), None)
        if sent_id is None:
            raise InvalidRequestError(
                f"{place}.{id_field} names no call that waits for a result; "
                "send each result once, after the assistant's message with the call",
                param=f"{place}.{id_field}",
            )
        said = anthropic_parts.blocks(message.get("content"), f"{place}.content", kinds=anthropic_parts.SAID_BY_USERS)
        result: Block = {"type": "tool_result", "tool_use_id": sent_id}
        if said:
            result["content"] = said[0]["text"] if isinstance(message["content"], str) else said
        self._turn("user").results.append(anthropic_parts.marked(result, message))

    def _turn(self, role: str) -> _Turn:
        if not self._turns or self._turns[-1].role != role:
            self._turns.append(_Turn(role))
        return self._turns[-1]

    def _expect_no_open_call(self) -> None:
        if self._open:
            raise InvalidRequestError(
                f"{self._open_place}: {len(self._open)} of the calls have no result; "
                "send a tool message for each, right after the calls",
                param=self._open_place,
            )


def _said(message: Mapping[str, Any], place: str, kinds: frozenset[str]) -> list[Block]:
    said = anthropic_parts.blocks(message.get("content"), f"{place}.content", kinds=kinds)
    return _marked_at_end(said, message)


def _marked_at_end(blocks: list[Block], message: Mapping[str, Any]) -> list[Block]:
    """A cache breakpoint of a whole message stands at its last block."""
    return blocks and [*blocks[:-1], anthropic_parts.marked(blocks[-1], message)]


def _thoughts(thoughts: Any, place: str) -> list[Block]:
    """What the assistant thought goes back as it came: the signature holds for exactly that."""
    if thoughts is None:
        return []
    if not isinstance(thoughts, list):
        raise InvalidRequestError(f"{place} must be a list", param=place)
    for index, thought in enumerate(thoughts):
        kind = thought.get("type") if isinstance(thought, dict) else None
        wanted = _THOUGHTS.get(kind) if isinstance(kind, str) else None
        if wanted is None or not all(isinstance(thought.get(name), str) for name in wanted):
            raise InvalidRequestError(
                f"{place}[{index}] must be a block as it came with the answer, its signature included",
                param=f"{place}[{index}]",
            )
    return thoughts


def _instructions(blocks: list[Block]) -> str | list[Block]:
    if any(block.keys() != {"type", "text"} for block in blocks):
        return blocks
    return "\n\n".join([block["text"] for block in blocks])


def _arguments(text: Any, place: str) -> dict[str, Any]:
    """The object that `text` is the JSON of; `{}` for none."""
    if text is None or (isinstance(text, str) and not text.strip()):
        return {}
    try:
        given = orjson.loads(text) if isinstance(text, str) else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise InvalidRequestError(f"{place} must be a JSON object, written as a string", param=place)
    return given


def _required(source: Mapping[str, Any], name: str, place: str) -> str:
    text = fields.text(source, name, path=f"{place}.")
    if not text:
        raise InvalidRequestError(f"{place}.{name} is missing", param=f"{place}.{name}")
    return text
