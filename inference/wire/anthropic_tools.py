"""Turns OpenAI's tools, functions and web search into Anthropic's tools."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.wire import fields

# the version that every model with a search knows; later ones run code of the model's own to sift results
_WEB_SEARCH = "web_search_20250305"
_LOCATION = ("city", "region", "country", "timezone")
_CHOICES = {"none": "none", "auto": "auto", "required": "any"}
_OWN_CHOICES = frozenset({"none", "auto", "any", "tool"})  # as Anthropic writes them
_FORCED = frozenset({"any", "tool"})

Tool = dict[str, Any]


def wants_functions(body: Mapping[str, Any]) -> bool:
    """Whether the caller speaks of functions, as OpenAI did before tools, and expects such an answer."""
    return bool(body.get("functions")) and not body.get("tools")


def is_forced(choice: Mapping[str, Any]) -> bool:
    return choice.get("type") in _FORCED


def translated(body: Mapping[str, Any], *, called: Iterable[str], capabilities: Collection[str]) -> dict[str, Any]:
    """`tools` and `tool_choice` in Anthropic's words, as far as they are needed."""
    tools = [*_tools(body), *_functions(body), *_web_search(body, capabilities)]
    choice = _choice(body, capabilities) if tools else _choice_of_nothing(body)
    if not tools:
        # Anthropic refuses calls of tools that are not described; that they were called must not invite to more
        tools = [{"name": name, "input_schema": {"type": "object"}} for name in called]
        choice = {"type": "none"}
    if not tools:
        return {}
    return {"tools": tools, "tool_choice": choice} if choice else {"tools": tools}


def dropped(body: Mapping[str, Any]) -> list[str]:
    """The fields about tools that say nothing here."""
    search = body.get("web_search_options")
    named = []
    if isinstance(search, dict) and search.get("search_context_size") is not None:
        named.append("web_search_options.search_context_size")
    if body.get("parallel_tool_calls") is not None and not body.get("tools"):
        named.append("parallel_tool_calls")
    return named


def _tools(body: Mapping[str, Any]) -> Iterable[Tool]:
    return [_tool(tool, f"tools[{index}]") for index, tool in enumerate(_listed(body, "tools"))]


def _functions(body: Mapping[str, Any]) -> Iterable[Tool]:
    functions = enumerate(_listed(body, "functions"))
    return [_function(function, f"functions[{index}]") for index, function in functions]


def _listed(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise InvalidRequestError(f"{name} must be a list", param=name)
    return value or []


def _tool(tool: Any, place: str) -> Tool:
    if not isinstance(tool, dict):
        raise InvalidRequestError(f"{place} must be an object", param=place)
    if tool.get("type") == "function":
        function = _function(tool.get("function"), f"{place}.function")
        return {**function, "cache_control": tool["cache_control"]} if tool.get("cache_control") else function
    is_free_text = "custom" in tool
    if is_free_text or not (isinstance(tool.get("type"), str) or isinstance(tool.get("input_schema"), dict)):
        raise InvalidRequestError(
            f"{place}: Anthropic models take tools of type function only; "
            "describe its input as parameters, or choose another model",
            param=place,
        )
    return tool  # one of Anthropic's own


def _function(function: Any, place: str) -> Tool:
    if not isinstance(function, dict):
        raise InvalidRequestError(f"{place} must be an object with a name", param=place)
    path = f"{place}."
    name = fields.text(function, "name", path=path)
    if not name:
        raise InvalidRequestError(f"{place}.name is missing", param=f"{place}.name")
    schema = {"type": "object", **fields.json_object(function, "parameters", path=path)}
    tool: Tool = {"name": name, "input_schema": schema}
    if description := fields.text(function, "description", path=path):
        tool["description"] = description
    if fields.flag(function, "strict", path=path):
        tool["strict"] = True
    if function.get("cache_control") is not None:
        tool["cache_control"] = function["cache_control"]
    return tool


def _web_search(body: Mapping[str, Any], capabilities: Collection[str]) -> Iterable[Tool]:
    if body.get("web_search_options") is None:
        return []
    options = fields.json_object(body, "web_search_options")
    if "web_search" not in capabilities:
        raise InvalidRequestError(
            "web_search_options: this model cannot search the web; leave it out or choose another model",
            param="web_search_options",
        )
    path = "web_search_options.user_location."
    place = fields.json_object(options, "user_location", path="web_search_options.")
    place = fields.json_object(place, "approximate", path=path)
    known = {name: value for name in _LOCATION if (value := fields.text(place, name, path=f"{path}approximate."))}
    tool: Tool = {"type": _WEB_SEARCH, "name": "web_search"}
    return [{**tool, "user_location": {"type": "approximate", **known}} if known else tool]


def _choice(body: Mapping[str, Any], capabilities: Collection[str]) -> dict[str, Any]:
    name, asked = _asked(body)
    choice = _chosen(asked, name)
    if is_forced(choice) and "forced_tool_choice" not in capabilities:
        raise InvalidRequestError(
            f'{name}: this model cannot be forced to call a tool; use "auto" and ask for it in the prompt, '
            "or choose another model",
            param=name,
        )
    if _takes_one_call(body) and choice.get("type") != "none":
        return {"type": "auto", **choice, "disable_parallel_tool_use": True}
    return choice


def _choice_of_nothing(body: Mapping[str, Any]) -> dict[str, Any]:
    name, asked = _asked(body)
    if is_forced(_chosen(asked, name)):
        raise InvalidRequestError(f"{name} asks for a tool, and there is none; send tools too", param=name)
    return {}


def _asked(body: Mapping[str, Any]) -> tuple[str, Any]:
    """The field that says which tool is to be called, and what it says."""
    name = "tool_choice" if body.get("tool_choice") is not None else "function_call"
    return name, body.get(name)


def _chosen(asked: Any, name: str) -> dict[str, Any]:
    if asked is None:
        return {}
    if isinstance(asked, str) and asked in _CHOICES:
        return {"type": _CHOICES[asked]}
    if isinstance(asked, dict):
        if (kind := asked.get("type")) and isinstance(kind, str) and kind in _OWN_CHOICES:
            return asked
        function = asked if name == "function_call" else asked.get("function")
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            return {"type": "tool", "name": function["name"]}
    raise InvalidRequestError(
        f"{name} must be none, auto, required or name one function; Anthropic models know no other choice", param=name
    )


def _takes_one_call(body: Mapping[str, Any]) -> bool:
    is_limited = body.get("parallel_tool_calls") is not None and not fields.flag(body, "parallel_tool_calls")
    return is_limited or wants_functions(body)
