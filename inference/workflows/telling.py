"""Tells of a workflow in the words of the two formats that take one: ACRON's own, and chat completions."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from acron_site.lib.errors import AcronError, error_body
from inference.domain import Answer, Ask
from inference.wire import chat, native, sse
from inference.workflows.results import Outcome, StepResult, StepState

_RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Telling:
    """One format's ways. `whole` is the answer's JSON, `events` tell the same as the end of a stream, `progress` is one
    event about one step."""

    whole: Callable[[Outcome, Answer, UUID], bytes]
    events: Callable[[bytes, Ask], Iterator[bytes]]
    progress: Callable[[Ask, UUID, Mapping[str, Any]], bytes]


def about(step_id: str, result: StepResult | None) -> dict[str, Any]:
    """How a step stands, without what it has said."""
    if result is None:
        return {"id": step_id, "status": _RUNNING}
    told: dict[str, Any] = {"id": step_id, "status": result.state}
    if result.answer is not None:
        told |= _facts(result.answer)
    if result.error is not None:
        told["error"] = {"code": result.error.code, "message": result.error.message}
    if result.state is StepState.SKIPPED:
        told["failed_step"] = result.failed_step
    return told


def steps(results: Sequence[StepResult]) -> list[dict[str, Any]]:
    """All of them, with what each has said."""
    return [{**about(result.step_id, result), "response": result.text or None} for result in results]


def failed(outcome: Outcome, failure: StepResult, error: AcronError, request_id: str) -> dict[str, Any]:
    """The one error shape, with what was done all the same."""
    document = error_body(error, request_id)
    place = "the output needs" if failure.failed_step != outcome.flow.graph.answer_id else "the output is"
    document["error"]["message"] = f"{place} step {failure.failed_step!r}, which failed: {error.message}"
    document["error"]["steps"] = steps(outcome.results)
    return document


def _facts(answer: Answer) -> dict[str, Any]:
    facts = answer.facts
    return {
        "model": facts.model,
        "provider": facts.provider,
        "task_type": facts.task_type,
        "route_reason": facts.route_reason,
        "cache": facts.cache_status,
        "cache_tier": facts.cache_tier,
        "tokens_input": facts.tokens.total_input,
        "tokens_output": facts.tokens.total_output,
        **_money(answer),
        "latency_ms": round(facts.latency_ms, 3),
    }


def _money(answer: Answer) -> dict[str, Any]:
    return {
        "cost": native.amount(answer.cost_usd),
        "baseline_cost": native.amount(answer.baseline_usd),
        "savings": native.amount(answer.saved_usd),
    }


def _native_whole(outcome: Outcome, answer: Answer, _: UUID) -> bytes:
    return orjson.dumps(native.document_of(answer.facts, answer, outcome.text, steps=steps(outcome.results)))


def _native_events(whole: bytes, _: Ask) -> Iterator[bytes]:
    document = orjson.loads(whole)
    for piece in sse.pieces(document["response"]):
        yield sse.event({"delta": piece})
    yield sse.event(document)
    yield sse.DONE


def _native_progress(_: Ask, __: UUID, step: Mapping[str, Any]) -> bytes:
    return b"event: step\n" + sse.event(step)


def _chat_whole(outcome: Outcome, answer: Answer, identity: UUID) -> bytes:
    """The output step's completion, with the usage of all steps; beside it what each step was."""
    tokens = answer.facts.tokens
    document = orjson.loads(outcome.output.body)
    document |= {"id": _id(identity), "created": int(time.time())}
    if outcome.flow.joints:
        message = {"role": "assistant", "content": outcome.text}
        document["choices"] = [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}]
    document["usage"] = {
        "prompt_tokens": tokens.total_input,
        "completion_tokens": tokens.total_output,
        "total_tokens": tokens.total_input + tokens.total_output,
    }
    document["acron"] = {**_money(answer), "steps": steps(outcome.results)}
    return orjson.dumps(document)


def _chat_events(whole: bytes, ask: Ask) -> Iterator[bytes]:
    """What the steps were comes first: whoever reads on to the end finds what a stream always ends with."""
    document = orjson.loads(whole)
    told = document.pop("acron")
    yield sse.event(_empty_chunk(document["id"], document["model"], told))
    yield from sse.replay(orjson.dumps(document), ask.include_usage)


def _chat_progress(ask: Ask, identity: UUID, step: Mapping[str, Any]) -> bytes:
    return sse.event(_empty_chunk(_id(identity), str(step.get("model") or ask.model_requested), {"step": step}))


def _empty_chunk(identity: str, model: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """One that says nothing to clients who know nothing of steps: many look into the first choice without asking
    whether there is one."""
    return {
        "id": identity,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}],
        "acron": told,
    }


def _id(identity: UUID) -> str:
    return f"chatcmpl-{identity.hex}"


TELLINGS: Mapping[str, Telling] = {
    native.ENDPOINT: Telling(_native_whole, _native_events, _native_progress),
    chat.ENDPOINT: Telling(_chat_whole, _chat_events, _chat_progress),
}
