"""The tools of a Responses request, and which of them may be called, in the words of chat completions."""

from collections.abc import Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.wire import fields
from inference.wire.responses_items import inexpressible

_ALLOWED = "allowed_tools"
_ALLOWED_PLACE = "tool_choice.tools"


def translated(body: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidRequestError naming the tool or the choice that chat completions cannot express."""
    tools = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(body.get("tools") or ())]
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == _ALLOWED:
        # not every server knows this choice; what is not offered cannot be called anywhere
        tools, choice = _allowed(choice, tools), _mode(choice)
    else:
        choice = _tool_choice(choice)
    if not tools:
        return {}  # a choice among none would be refused
    told: dict[str, Any] = {"tools": tools}
    if choice is not None:
        told["tool_choice"] = choice
    if body.get("parallel_tool_calls") is not None:
        told["parallel_tool_calls"] = body["parallel_tool_calls"]
    return told


def _tool(tool: Mapping[str, Any], place: str) -> dict[str, Any]:
    if tool["type"] == "custom":
        raise inexpressible(
            f"{place}.type",
            f"the custom tool {str(tool.get('name'))[:64]!r} (a function with a text among its parameters "
            "works with every model)",
        )
    if tool["type"] != "function":
        raise inexpressible(f"{place}.type", f"the tool {tool['type'][:40]!r}")
    function: dict[str, Any] = {"name": _name(tool, place)}
    if description := fields.text(tool, "description", path=f"{place}."):
        function["description"] = description
    if tool.get("parameters") is not None:
        function["parameters"] = fields.json_object(tool, "parameters", path=f"{place}.")
    if tool.get("strict") is not None:
        function["strict"] = fields.flag(tool, "strict", path=f"{place}.")
    return {"type": "function", "function": function}


def _tool_choice(choice: Any) -> Any:
    if choice is None or (isinstance(choice, str) and choice in ("auto", "none", "required")):
        return choice
    if not isinstance(choice, dict):
        raise InvalidRequestError(
            "'tool_choice' must be auto, none, required, or an object that names a function", param="tool_choice"
        )
    if choice.get("type") != "function":
        raise inexpressible("tool_choice", f"tool_choice of type {str(choice.get('type'))[:40]!r}")
    return {"type": "function", "function": {"name": _name(choice, "tool_choice")}}


def _mode(choice: Mapping[str, Any]) -> str:
    return fields.choice(choice, "mode", ("auto", "required"), path="tool_choice.") or "auto"


def _allowed(choice: Mapping[str, Any], tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of `tools` that the choice names, in their own order."""
    named = choice.get("tools")
    if not isinstance(named, list) or not named:
        raise InvalidRequestError(f"{_ALLOWED_PLACE} must be a list of at least one function", param=_ALLOWED_PLACE)
    known = {tool["function"]["name"] for tool in tools}
    names = {_allowed_name(tool, f"{_ALLOWED_PLACE}[{index}]", known) for index, tool in enumerate(named)}
    return [tool for tool in tools if tool["function"]["name"] in names]


def _allowed_name(tool: Any, place: str, known: set[str]) -> str:
    if not isinstance(tool, dict):
        raise InvalidRequestError(f"{place} must be an object with a type and a name", param=place)
    if tool.get("type") != "function":
        raise inexpressible(f"{place}.type", f"the tool {str(tool.get('type'))[:40]!r}")
    name = _name(tool, place)
    if name not in known:
        place += ".name"
        raise InvalidRequestError(f"{place} is none of the functions in 'tools'; add it there", param=place)
    return name


def _name(tool: Mapping[str, Any], place: str) -> str:
    name = fields.text(tool, "name", path=f"{place}.")
    if not name:
        raise InvalidRequestError(f"{place}.name is missing: the function's name", param=f"{place}.name")
    return name
