"""Translates chat completion requests to Anthropic's Messages API."""

from collections.abc import Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.catalog import Model
from inference.wire import anthropic_conversation, anthropic_output, anthropic_tools
from inference.wire.anthropic_output import Situation

# Anthropic insists on a limit. Where the caller sets none, an answer of this length is allowed.
DEFAULT_MAX_TOKENS = 4096
DEFAULT_MAX_TOKENS_WITH_REASONING = 16_384  # what is thought counts too

# OpenAI's fields that Anthropic has no word for and that an answer can do without
_DROPPED = (
    "frequency_penalty",
    "logit_bias",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "seed",
    "service_tier",  # the tiers have other names and prices there
    "store",
    "user",  # who the end user is stays here
    "verbosity",
    "metadata",
)
# fields that change what the answer is: leaving them out would answer another question
_REFUSED = ("audio", "logprobs", "top_logprobs")
_TRANSLATED = frozenset(
    {"model", "messages", "max_tokens", "max_completion_tokens", "stop", "stream", "stream_options", "n"}
    | {"response_format", "modalities", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}
    | {"web_search_options", "reasoning_effort", "temperature", "top_p", "top_k", *_REFUSED}
)
_NOT_PASSED = _TRANSLATED.union(_DROPPED)


def request(body: Mapping[str, Any], *, model: Model, stream: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The request in Anthropic's words, and the names of the fields it leaves out.

    Fields that OpenAI does not know either (`thinking`, `container`...) pass unchanged. Raises
    InvalidRequestError naming a field that cannot be expressed.
    """
    _refuse_inexpressible(body)
    conversation = anthropic_conversation.read(body.get("messages"))
    tools = anthropic_tools.translated(body, called=conversation.called, capabilities=model.capabilities)
    limit = _max_tokens(body, model)
    situation = Situation(
        max_tokens=limit,
        is_forced=anthropic_tools.is_forced(tools.get("tool_choice", {})),
        is_amid_unthought_calls=conversation.is_amid_unthought_calls,
    )
    output = anthropic_output.decide(body, situation, capabilities=model.capabilities)
    translated = {name: value for name, value in body.items() if name not in _NOT_PASSED}
    translated |= {"model": model.upstream_model, "max_tokens": limit, "messages": conversation.messages}
    translated |= {**tools, **output.fields}
    if system := anthropic_output.instructed(conversation.system, body):
        translated["system"] = system
    if stop := _stop_sequences(body.get("stop")):
        translated["stop_sequences"] = stop
    if stream:
        translated["stream"] = True
    dropped = [name for name in _DROPPED if body.get(name) is not None] + anthropic_tools.dropped(body)
    return translated, (*dropped, *output.dropped)


def _refuse_inexpressible(body: Mapping[str, Any]) -> None:
    for name in _REFUSED:
        if body.get(name):
            raise _inexpressible(name)
    if body.get("n") not in (None, 1):
        raise InvalidRequestError("Anthropic models give one answer at a time; leave n out or set it to 1", param="n")
    if body.get("modalities") not in (None, ["text"]):
        raise _inexpressible("modalities")


def _inexpressible(name: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{name} cannot be used with Anthropic models; leave it out or choose another model", param=name
    )


def _max_tokens(body: Mapping[str, Any], model: Model) -> int:
    """The caller's limit, or the default one; never above what the model can write."""
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    asked = body.get(name)
    if asked is None:
        asked = DEFAULT_MAX_TOKENS_WITH_REASONING if "reasoning" in model.capabilities else DEFAULT_MAX_TOKENS
    if not isinstance(asked, int) or isinstance(asked, bool) or asked < 1:
        raise InvalidRequestError(f"{name} must be a whole number above 0", param=name)
    return min(asked, model.max_output_tokens) if model.max_output_tokens else asked


def _stop_sequences(stop: Any) -> list[str]:
    sequences = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(sequences, list) or not all(isinstance(text, str) for text in sequences):
        raise InvalidRequestError("stop must be a string or a list of strings", param="stop")
    return [text for text in sequences if text]
