"""Reads and writes `POST /infer`, ACRON's own format (contract, section 4)."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import orjson

from acron_site.lib import money
from acron_site.lib.errors import InvalidRequestError
from analytics.events import CostStatus, InferenceFacts
from inference.domain import Answer, Ask, Candidate, EventStream, RoutingMode
from inference.wire import chat, controls, fields, framing, optimising, sse
from inference.wire.http import Head

ENDPOINT = "infer"

_PASSED_ON = ("max_tokens", "temperature", "user")
_KNOWN = (
    chat.STEERING
    | set(_PASSED_ON)
    | {
        "prompt",
        "metadata",  # the caller's own; OpenAI refuses it on requests that are not stored, so it stays here
        "messages",
        "system",
        "routing_mode",
        "model_override",
        "stream",
        "cache",
        optimising.FIELD,
        "workflow",
    }
)
_HUNDRED = Decimal(100)


def read(body: bytes, head: Head, *, default_mode: RoutingMode) -> Ask:
    """Raises InvalidRequestError naming the field and what it must be."""
    document = fields.parse_object(body)
    fields.refuse_unknown(document, _KNOWN)
    fields.json_object(document, "metadata")
    mode, model = _mode_and_model(document, default_mode)
    messages = _messages(document)
    shortened = optimising.shortened(document, messages)
    request = {"model": model, "messages": messages if shortened is None else list(shortened.messages)}
    request |= {name: document[name] for name in _PASSED_ON if document.get(name) is not None}
    chat.check_shape(request)
    return Ask(
        request_id=head.request_id,
        endpoint=ENDPOINT,
        mode=mode,
        model_requested=model,
        body=request,
        started=head.started,
        stream=fields.flag(document, "stream"),
        controls=controls.parse(head.cache_control, head.namespace, document.get("cache")),
        end_user=fields.text(document, "user")[:256],
        idempotency_key=head.idempotency_key,
        optimised_tokens=None if shortened is None else shortened.removed_tokens,
        workflow=document.get("workflow"),
        **chat.steering(document),
    )


def write(answer: Answer) -> bytes:
    """The whole answer as JSON."""
    return orjson.dumps(document_of(answer.facts, answer, answer_text(answer.body)))


async def stream(answer: Answer, source: EventStream) -> AsyncIterator[bytes]:
    """`{"delta": text}` events, then one with the whole answer, then `[DONE]`; an error event ends it early."""
    pieces: list[str] = []
    async for events in source:
        for event in _documents(events):
            if "error" in event:
                yield sse.event(event)
                return
            if delta := _delta(event):
                pieces.append(delta)
                yield sse.event({"delta": delta})
    yield sse.event(document_of(source.facts, answer, "".join(pieces)))
    yield sse.DONE


def _documents(events: bytes) -> Iterator[dict[str, Any]]:
    payloads = (framing.payload(event) for event in framing.split(events))
    yield from (orjson.loads(data) for data in payloads if data and data != b"[DONE]")


def _delta(event: Mapping[str, Any]) -> str:
    choices = event.get("choices")
    return (choices[0].get("delta") or {}).get("content") or "" if choices else ""


def answer_text(body: bytes) -> str:
    """The text of a chat completion's first choice."""
    message = orjson.loads(body)["choices"][0]["message"]
    return message.get("content") or message.get("refusal") or ""


def _mode_and_model(document: Mapping[str, Any], default: RoutingMode) -> tuple[RoutingMode, str]:
    override = fields.text(document, "model_override")
    wanted = fields.choice(document, "routing_mode", [mode.value for mode in RoutingMode])
    mode = RoutingMode(wanted) if wanted else RoutingMode.EXPLICIT if override else default
    if mode is RoutingMode.EXPLICIT and not override:
        raise InvalidRequestError(
            "explicit routing needs 'model_override', the name of a model from GET /models",
            param="model_override",
        )
    # a model that is named is used, whatever the mode says (seed: "Explicit (fixed model)")
    return (RoutingMode.EXPLICIT, override) if override else (mode, "auto")


def _messages(document: Mapping[str, Any]) -> list[Any]:
    if document.get("workflow") not in (None, "auto"):
        return _before_steps(document)
    prompt, messages = fields.text(document, "prompt"), document.get("messages")
    if bool(prompt) == bool(messages):
        raise InvalidRequestError("send either 'prompt' or 'messages'", param="prompt")
    if messages is not None:
        chat.check_messages(messages)
    turns = list(messages) if messages else [{"role": "user", "content": prompt}]
    system = fields.text(document, "system")
    return [{"role": "system", "content": system}, *turns] if system else turns


def _before_steps(document: Mapping[str, Any]) -> list[Any]:
    """What all steps of a workflow begin with."""
    for name in ("prompt", "messages"):
        if document.get(name):
            raise InvalidRequestError(
                f"{name!r} belongs to a single question; put it into a step of the workflow", param=name
            )
    system = fields.text(document, "system")
    return [{"role": "system", "content": system}] if system else []


def document_of(
    facts: InferenceFacts, answer: Answer, response: str, *, steps: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    tokens = facts.tokens
    return {
        "request_id": facts.request_id,
        "response": response,
        "model_used": facts.model,
        "provider": facts.provider,
        "routing": {
            "mode": facts.routing_mode,
            "task_type": facts.task_type,
            "confidence": answer.confidence,
            "reason": facts.route_reason,
            "candidates": [_candidate(candidate) for candidate in answer.candidates],
        },
        "cache_hit": facts.cache_tier > 0,
        "cache_tier": facts.cache_tier,
        "similarity": 1.0 if facts.cache_tier in (1, 3) else facts.cache_similarity,
        "tokens_input": tokens.total_input,
        "tokens_output": tokens.total_output,
        "usage": {
            "input": tokens.input,
            "cache_read": tokens.cache_read,
            "cache_write": tokens.cache_write,
            "cache_write_long": tokens.cache_write_long,
            "input_audio": tokens.input_audio,
            "output": tokens.output,
            "output_audio": tokens.output_audio,
            "reasoning": tokens.reasoning,
        },
        "cost": amount(answer.cost_usd),
        "cost_status": facts.cost_status if answer.cost_usd is not None else CostStatus.UNPRICED,
        "baseline_model": facts.baseline_model,
        "baseline_cost": amount(answer.baseline_usd),
        "savings": amount(answer.saved_usd),
        "savings_percent": savings_percent(answer.saved_usd, answer.baseline_usd),
        "quality_score": facts.quality_score,
        "latency_ms": round(facts.latency_ms, 3),
        "overhead_ms": round(facts.overhead_ms, 3),
        "steps": list(steps),
    }


def savings_percent(saved: Decimal | None, baseline: Decimal | None) -> float | None:
    if saved is None or not baseline:
        return None
    return float(round(saved / baseline * _HUNDRED, 2))


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "model": candidate.model,
        "quality": candidate.quality,
        "estimated_cost": amount(candidate.estimated_cost_usd),
        "estimated_latency_ms": candidate.estimated_latency_ms,
        "excluded_because": candidate.excluded_because or None,
        "measured": None if candidate.measured is None else asdict(candidate.measured),
        "predicted_quality": _rounded(candidate.predicted_quality, 2),
        "chance": _rounded(candidate.chance, 3),
    }


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)


def amount(usd: Decimal | None) -> str | None:
    return None if usd is None else money.to_text(usd)
