"""Whether a cascade's cheap answers are good enough to be given."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from caching import agreement
from inference import judging, keeping, last_turn
from inference.domain import Ask, Completion, Verify

NOT_JSON = "the answer is no JSON"
_DEEPEST = 32


def agree(ask: Ask, bodies: Sequence[bytes]) -> tuple[bool, str]:
    """Whether two answers say the same, and how that was found out; what cannot be told is no agreement."""
    first, second = (last_turn.answered_text(ask.format, body) for body in bodies)
    found = agreement.compare(first, second)
    return bool(found.agrees), str(found.method)


def keeps_to_form(ask: Ask, body: bytes) -> tuple[bool, str]:
    """Whether a chat completion is the JSON or the tool call that was asked for, and what is wrong with it."""
    message = _message(body)
    calls = message.get("tool_calls")
    problem = _about_calls(calls, ask.body.get("tools")) if calls else _about_content(message, ask.body)
    return not problem, problem or ("tool call" if calls else "json")


def verified(ask: Ask, verify: Verify, answers: Sequence[Completion]) -> tuple[bool, str]:
    """Whether the first of these answers may be given, and how that was found out, or what is wrong."""
    for answer in answers:
        if flaw := keeping.flaw(answer, keep_tool_calls=verify is Verify.FORMAT):
            return False, flaw
    bodies = [answer.body for answer in answers]
    return keeps_to_form(ask, bodies[0]) if verify is Verify.FORMAT else agree(ask, bodies)


def judgeable(ask: Ask, answer: Completion) -> tuple[str, str]:
    """The words of an answer, and why a judge need not be asked about them; "" where it is."""
    if flaw := keeping.flaw(answer, keep_tool_calls=False):
        return "", flaw
    text = last_turn.answered_text(ask.format, answer.body)
    if not text.strip():
        return "", "it has no words"
    return (text, "") if len(text) <= judging.LONGEST_ANSWER else ("", "it is too long to be judged")


def _message(body: bytes) -> Mapping[str, Any]:
    try:
        message = orjson.loads(body)["choices"][0]["message"]
    except (ValueError, LookupError, TypeError):
        return {}
    return message if isinstance(message, dict) else {}


def _about_content(message: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    wanted = asked.get("response_format") or {}
    if wanted.get("type") not in ("json_object", "json_schema"):
        return "" if message.get("content") else "it is empty"
    value, problem = _parsed(message.get("content"))
    if problem or wanted["type"] == "json_object":
        return problem or ("" if isinstance(value, dict) else "the answer is no JSON object")
    schema = (wanted.get("json_schema") or {}).get("schema")
    return _about_value(value, schema)


def _about_calls(calls: Any, tools: Any) -> str:
    known = {each["function"]["name"]: each["function"].get("parameters") for each in _functions(tools)}
    for call in calls:
        function = call.get("function") or {}
        if function.get("name") not in known:
            return "it calls a tool that there is not"
        value, problem = _parsed(function.get("arguments"))
        problem = problem or _about_value(value, known[function["name"]])
        if problem:
            return problem
    return ""


def _functions(tools: Any) -> list[dict[str, Any]]:
    named = (each for each in tools or () if isinstance(each, dict) and isinstance(each.get("function"), dict))
    return [each for each in named if isinstance(each["function"].get("name"), str)]


def _parsed(text: object) -> tuple[Any, str]:
    try:
        return orjson.loads(text if isinstance(text, str) else ""), ""
    except ValueError:
        return None, NOT_JSON


def _about_value(value: Any, schema: object, depth: int = 0) -> str:
    """What `value` does against the plain words of a JSON schema. References and patterns say nothing here: the schema
    comes from outside, and a pattern can be made to take for ever."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return ""
    kinds = schema.get("type")
    named = kinds if isinstance(kinds, list) else [kinds]
    known = [_KINDS[kind] for kind in named if isinstance(kind, str) and kind in _KINDS]
    if known and not any(is_kind(value) for is_kind in known):
        return f"it is not of the type {str(kinds)[:40]}"
    if isinstance(options := schema.get("enum"), list) and value not in options:
        return "it is none of the values that there are"
    if isinstance(value, dict):
        return _about_members(value, schema, depth)
    if isinstance(value, list):
        found = (_about_value(item, schema.get("items"), depth + 1) for item in value)
        return next(filter(None, found), "")
    return ""


def _about_members(value: dict[str, Any], schema: dict[str, Any], depth: int) -> str:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    missing = [name for name in required if name not in value] if isinstance(required, list) else []
    if missing:
        return f"it lacks {str(missing[0])[:40]!r}"
    if schema.get("additionalProperties") is False and (extra := value.keys() - properties.keys()):
        return f"it has {min(extra)[:40]!r}, which is not in the schema"
    found = (_about_value(item, properties.get(name), depth + 1) for name, item in value.items())
    return next(filter(None, found), "")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == int(value),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
