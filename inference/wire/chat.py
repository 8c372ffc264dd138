"""Reads `POST /v1/chat/completions`: an OpenAI request, with ACRON's own fields under `acron`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Ask, RoutingMode
from inference.routing.router import LATENCY_MS, QUALITY
from inference.wire import cascades, controls, fields, optimising
from inference.wire.http import Head

ENDPOINT = "chat.completions"

# names that leave the choice of the model to ACRON
AUTOMATIC = {
    "auto": RoutingMode.AUTOPILOT,
    "acron-auto": RoutingMode.AUTOPILOT,
    "acron-guided": RoutingMode.GUIDED,
}

STEERING = frozenset(
    {
        "quality_preference",
        "latency_preference",
        "quality_threshold",
        "latency_budget_ms",
        "cost_budget_usd",
        "task_type",
        "tags",
        "fallbacks",
        "cascade",
        "sticky",
    }
)
_OWN_FIELDS = STEERING | {"cache", "routing_mode"}
_ALSO = frozenset({optimising.FIELD, "workflow"})
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_MAX_TOKENS = 10_000_000
_MAX_FALLBACKS = 8
_CHECKS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "temperature": partial(fields.number, low=0, high=2),
    "max_tokens": partial(fields.whole_number, low=1, high=_MAX_TOKENS),
    "max_completion_tokens": partial(fields.whole_number, low=1, high=_MAX_TOKENS),
    "n": partial(fields.whole_number, low=1, high=128),
    "response_format": fields.json_object,
    "stream_options": fields.json_object,
}


def read(body: bytes, head: Head) -> Ask:
    """Raises InvalidRequestError naming the field and what it must be."""
    document = fields.parse_object(body)
    own = take_own(document, also=_ALSO)
    model = fields.text(document, "model")
    if not model:
        raise InvalidRequestError("'model' is missing; name one, or use \"auto\"", param="model")
    workflow = own.get("workflow")
    if workflow in (None, "auto"):
        check_messages(document.get("messages"))
    else:
        document["messages"] = _before_steps(document.get("messages"))
    check_shape(document)
    shortened = optimising.shortened(own, document["messages"], path="acron.") if own else None
    if shortened is not None:
        document["messages"] = list(shortened.messages)
    return Ask(
        request_id=head.request_id,
        endpoint=ENDPOINT,
        mode=mode_of(model, own),
        model_requested=model,
        body=document,
        started=head.started,
        stream=fields.flag(document, "stream"),
        include_usage=_include_usage(document),
        controls=controls.parse(head.cache_control, head.namespace, own.get("cache")),
        end_user=fields.text(document, "user")[:256],
        idempotency_key=head.idempotency_key,
        optimised_tokens=None if shortened is None else shortened.removed_tokens,
        workflow=workflow,
        **(steering(own, path="acron.") if own else {}),
    )


def take_own(document: dict[str, Any], *, also: frozenset[str] = frozenset()) -> dict[str, Any]:
    """ACRON's own fields, taken out of what goes to the provider. `also`: those that only some formats have."""
    if "acron" not in document:
        return {}
    own = fields.json_object(document, "acron")
    fields.refuse_unknown(own, _OWN_FIELDS | also, path="acron.")
    del document["acron"]
    return own


def steering(source: Mapping[str, Any], *, path: str = "") -> dict[str, Any]:
    """The fields that steer the choice of the model, checked."""
    return {
        "quality_threshold": fields.number(source, "quality_threshold", 0, 5, path=path),
        "quality_preference": fields.choice(source, "quality_preference", QUALITY, path=path),
        "latency_preference": fields.choice(source, "latency_preference", LATENCY_MS, path=path),
        "latency_budget_ms": fields.whole_number(source, "latency_budget_ms", 1, 3_600_000, path=path),
        "cost_budget_usd": fields.dollars(source, "cost_budget_usd", path=path),
        "task_type": fields.text(source, "task_type", path=path)[:64],
        "tags": fields.tags(source, path=path),
        "fallbacks": fields.names(source, "fallbacks", most=_MAX_FALLBACKS, path=path),
        "cascade": cascades.parse(source, path=path),
        "refuses_cascade": source.get("cascade") is False,
        "refuses_staying": source.get("sticky") is not None and not fields.flag(source, "sticky", path=path),
    }


def check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("'messages' must be a list with at least one message", param="messages")
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise InvalidRequestError(
                f"messages[{index}] must be an object with role and content", param=f"messages[{index}]"
            )
        role, content = message.get("role"), message.get("content")
        if not isinstance(role, str) or role not in _ROLES:
            raise InvalidRequestError(
                f"messages[{index}].role must be one of {', '.join(sorted(_ROLES))}",
                param=f"messages[{index}].role",
            )
        if content is not None and not isinstance(content, str):
            _check_parts(content, f"messages[{index}].content")


def _before_steps(messages: Any) -> list[Any]:
    """What all steps of a workflow begin with."""
    if not messages and (messages is None or isinstance(messages, list)):
        return []
    check_messages(messages)
    for index, message in enumerate(messages):
        if message["role"] not in ("system", "developer"):
            raise InvalidRequestError(
                f"messages[{index}] belongs to a single question; beside a workflow's steps, 'messages' are the system "
                "and developer messages that all steps begin with. Put it into a step",
                param=f"messages[{index}]",
            )
    return list(messages)


def _check_parts(content: Any, name: str) -> None:
    if not isinstance(content, list) or not all(
        isinstance(part, dict) and isinstance(part.get("type"), str) for part in content
    ):
        raise InvalidRequestError(f"{name} must be a string or a list of parts, each an object with a type", param=name)


def check_shape(document: Mapping[str, Any]) -> None:
    """The fields ACRON itself reads; all others are the provider's to judge."""
    for name in document:
        if name in _CHECKS:
            _CHECKS[name](document, name)


def _include_usage(document: Mapping[str, Any]) -> bool:
    options = document.get("stream_options")
    return fields.flag(options, "include_usage", path="stream_options.") if options else False


def mode_of(model: str, own: Mapping[str, Any]) -> RoutingMode:
    """A named model is Explicit; for `auto` the body may still say `acron.routing_mode: guided`."""
    chosen = AUTOMATIC.get(model, RoutingMode.EXPLICIT)
    if not own:
        return chosen
    wanted = fields.choice(own, "routing_mode", [each.value for each in RoutingMode], path="acron.")
    if wanted and (chosen is RoutingMode.EXPLICIT) != (wanted == RoutingMode.EXPLICIT):
        raise InvalidRequestError(
            f'acron.routing_mode {wanted!r} does not go with the model {model!r}; use "auto" to let ACRON choose',
            param="acron.routing_mode",
        )
    return RoutingMode(wanted) if wanted else chosen
