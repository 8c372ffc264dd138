"""Decides how hard an Anthropic model thinks, how it samples and in which form it answers.

JSON without a schema (`json_object`) becomes an instruction: Anthropic can hold an answer to a schema only. OpenAI's
own mode wants the word JSON in the prompt as well, and its answers too may be cut.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.wire import fields

# No model lets thinking be switched off everywhere: the least that all take is a low effort.
_EFFORTS = {"none": "low", "minimal": "low"} | {name: name for name in ("low", "medium", "high", "xhigh", "max")}
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_768, "max": 32_768}
_LEAST_BUDGET = 1024  # Anthropic takes no smaller one
_SAMPLING = ("temperature", "top_p", "top_k")
_THINKS = ("enabled", "adaptive")
_PLAIN_JSON = "json_object"
_JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else: no text around it and no code fence."


@dataclass(frozen=True, slots=True)
class Output:
    """Fields to send, and the names of the caller's that are left out."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """What of the rest of a request decides whether the model may think."""

    max_tokens: int
    is_forced: bool  # to call a tool: none of the models thinks before that
    is_amid_unthought_calls: bool


def decide(body: Mapping[str, Any], situation: Situation, *, capabilities: Collection[str]) -> Output:
    effort = _effort(body, situation, capabilities)
    wanted = dict(effort.fields)
    if form := _form(body):
        wanted["output_config"] = {**wanted.get("output_config", {}), "format": form}
    if "output_config" in wanted:  # the caller's own word counts
        wanted["output_config"] |= fields.json_object(body, "output_config")
    thinking = wanted.get("thinking", body.get("thinking"))
    is_thinking = isinstance(thinking, dict) and thinking.get("type") in _THINKS
    sampling = _sampling(body, takes_sampling="sampling" in capabilities and not is_thinking)
    return Output({**wanted, **sampling.fields}, effort.dropped + sampling.dropped)


def _effort(body: Mapping[str, Any], situation: Situation, capabilities: Collection[str]) -> Output:
    asked = fields.choice(body, "reasoning_effort", _EFFORTS)
    if not asked:
        return Output()
    if "reasoning" not in capabilities:
        return Output(dropped=("reasoning_effort",))
    if "thinking_budget" in capabilities:
        return _with_budget(asked, body, situation)
    effort = _EFFORTS[asked]
    if effort == "xhigh" and "sampling" in capabilities:  # the last models that sample do not know it yet
        effort = "high"
    wanted: dict[str, Any] = {"output_config": {"effort": effort}}
    if asked != "none" and not situation.is_forced and body.get("thinking") is None:
        wanted["thinking"] = {"type": "adaptive"}
    return Output(wanted)


def _with_budget(asked: str, body: Mapping[str, Any], situation: Situation) -> Output:
    """For models that know no effort: a share of the answer's limit, half of it at most."""
    if asked == "none" and body.get("thinking") is None:
        return Output()  # they do not think unless told to
    budget = min(_BUDGETS.get(asked, 0), situation.max_tokens // 2)
    is_hindered = situation.is_forced or situation.is_amid_unthought_calls or body.get("thinking") is not None
    if is_hindered or budget < _LEAST_BUDGET:
        return Output(dropped=("reasoning_effort",))
    return Output({"thinking": {"type": "enabled", "budget_tokens": budget}})


def _form(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema that the answer is to follow."""
    wanted = fields.json_object(body, "response_format")
    kind = wanted.get("type")
    if not wanted or kind in ("text", _PLAIN_JSON):
        return None
    if kind != "json_schema":
        raise InvalidRequestError(
            "response_format.type must be text, json_object or json_schema",
            param="response_format",
        )
    named = fields.json_object(wanted, "json_schema", path="response_format.")
    schema = fields.json_object(named, "schema", path="response_format.json_schema.")
    if not schema:
        place = "response_format.json_schema.schema"
        raise InvalidRequestError(f"{place} is missing; send the JSON schema of the answer", param=place)
    return {"type": "json_schema", "schema": schema}


def instructed(system: str | list[dict[str, Any]], body: Mapping[str, Any]) -> str | list[dict[str, Any]]:
    """The system prompt with what it has to say because no field can."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") != _PLAIN_JSON:
        return system
    if isinstance(system, str):
        return f"{system}\n\n{_JSON_INSTRUCTION}" if system else _JSON_INSTRUCTION
    return [*system, {"type": "text", "text": _JSON_INSTRUCTION}]


def _sampling(body: Mapping[str, Any], *, takes_sampling: bool) -> Output:
    """Brings temperature and top_p into Anthropic's range. Models that sample take one of the two: temperature wins."""
    given = {name: body[name] for name in _SAMPLING if body.get(name) is not None}
    if not takes_sampling:
        return Output(dropped=tuple(given))
    rejected = ("top_p",) if given.keys() >= {"temperature", "top_p"} else ()
    kept = {name: value for name, value in given.items() if name not in rejected}
    fitted = {name: value if name == "top_k" else _within_one(name, value) for name, value in kept.items()}
    return Output(fitted, rejected)


def _within_one(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidRequestError(f"{name} must be a number", param=name)
    return min(max(value, 0), 1)
