"""Workflows as streams: how the steps stand while they run, then the output, in each format's own manner."""

import asyncio
from typing import Any

import orjson
import pytest

from analytics.events import EventStatus
from tests.inference.script import Scene, refused
from tests.inference.workflows.kit import chat, infer, step, tiers, workflow

STEPS = (step("a"), step("b", "after {{a}}"))


def events(body: bytes) -> list[Any]:
    """(name, document) of each event; the end is a text."""
    found = []
    for event in body.split(b"\n\n")[:-1]:
        head, _, data = event.rpartition(b"data: ")
        name = head.strip().removeprefix(b"event: ").decode()
        found.append((name, "[DONE]" if data == b"[DONE]" else orjson.loads(data)))
    return found


def chat_body(**more: Any) -> dict[str, Any]:
    return {
        "model": "mock-small",
        "messages": [],
        "stream": True,
        "acron": {"workflow": {"steps": list(STEPS)}},
        **more,
    }


async def test_infer_tells_each_step_then_the_output_then_all_of_it(kit):
    answer = await infer(kit, workflow(*STEPS, stream=True))

    told = events(answer.body)
    steps = [document for name, document in told if name == "step"]
    deltas = [document["delta"] for _, document in told if "delta" in document]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [(each["id"], each["status"]) for each in steps] == [
        *(("a", "running"), ("a", "ok"), ("b", "running"), ("b", "ok")),
    ]
    assert (steps[1]["model"], steps[1]["cache"], steps[1]["cost"]) == ("mock-small", "MISS", "0.000005")
    assert "".join(deltas) == "<after <do a>>"
    whole, end = told[-2][1], told[-1][1]
    assert whole["response"] == "<after <do a>>"
    assert (whole["cost"], len(whole["steps"]), end) == ("0.00001", 2, "[DONE]")


async def test_chat_completions_are_chunks_from_the_first_to_the_last(kit):
    answer = await chat(kit, chat_body(stream_options={"include_usage": True}))

    told = [document for name, document in events(answer.body) if name == ""]
    *chunks, usage, end = told
    assert end == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert all(len(chunk["choices"]) == 1 for chunk in chunks)
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == "<after <do a>>"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-2:]] == [None, "stop"]
    assert usage["usage"]["total_tokens"] == 40
    steps = [chunk["acron"]["step"] for chunk in chunks if "step" in chunk.get("acron", {})]
    assert [each["status"] for each in steps] == ["running", "ok", "running", "ok"]
    assert [each["id"] for chunk in chunks for each in chunk.get("acron", {}).get("steps", ())] == ["a", "b"]


@pytest.mark.parametrize("send", [infer, chat])
async def test_a_stream_without_output_ends_with_the_error_and_what_was_done(kit, writer, send):
    writer.scenes["after"] = refused(400, "not this one")
    body = workflow(*STEPS, stream=True) if send is infer else chat_body()

    answer = await send(kit, body)

    error = events(answer.body)[-1][1]["error"]
    assert answer.status == 200
    assert "not this one" in error["message"]
    assert [(each["id"], each["status"]) for each in error["steps"]] == [("a", "ok"), ("b", "failed")]


async def test_a_progress_event_leaves_while_other_steps_still_run(kit, writer):
    writer.scenes["slow"] = Scene(waits_for=asyncio.Event())

    answer = await infer(kit, workflow(step("quick"), step("slow", "slow one"), stream=True), hang_up_after_pieces=3)

    told = [(document["id"], document["status"]) for _, document in events(answer.body)]
    assert told == [("quick", "running"), ("slow", "running"), ("quick", "ok")]
    assert {row.step_id: row.status for row in kit.ledger.rows.values()} == {
        "quick": EventStatus.OK,
        "slow": EventStatus.CLIENT_GONE,
    }
    assert writer.at_once == 0
    assert tiers(await infer(kit, workflow(step("quick")))) == {"quick": 3}


async def test_who_hangs_up_before_the_answer_stops_the_steps(kit, writer):
    writer.scenes["slow"] = Scene(waits_for=asyncio.Event())

    answer = await asyncio.wait_for(infer(kit, workflow(step("slow", "slow one")), hang_up_after_pieces=0), timeout=5)

    assert answer.body == b""
    assert writer.at_once == 0
    assert all(row.status is EventStatus.CLIENT_GONE for row in kit.ledger.rows.values())


async def test_the_same_idempotency_key_gives_a_stream_the_output_of_the_first_run(kit, writer):
    key = {"Idempotency-Key": "k"}
    await infer(kit, workflow(*STEPS, cache={"mode": "off"}), **key)

    again = await infer(kit, workflow(*STEPS, cache={"mode": "off"}, stream=True), **key)

    told = events(again.body)
    assert "".join(document["delta"] for _, document in told[:-2]) == "<after <do a>>"
    assert len(writer.asked) == 2


async def test_a_stream_that_is_left_frees_its_idempotency_key(kit, writer):
    key = {"Idempotency-Key": "k"}
    writer.scenes["do a"] = Scene(waits_for=asyncio.Event())
    await infer(kit, workflow(step("a"), stream=True), hang_up_after_pieces=1, **key)
    writer.scenes.clear()

    again = await infer(kit, workflow(step("a"), stream=True), **key)

    assert events(again.body)[-1][1] == "[DONE]"
