"""Workflows from end to end: what runs, what is found again, what a failure takes along, what all of it costs."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from accounts.principal import KeyRules
from acron_site.lib.ids import uuid7
from analytics.events import EventStatus
from caching.protocols import Namespace
from inference.workflows import reading
from tests.inference.kit import ADA, Kit, Present, ask
from tests.inference.script import Scene, refused
from tests.inference.workflows.kit import Writer, chat, infer, states, step, tiers, workflow


def forty(leaf5: str = "read document 5"):
    leaves = [step(f"leaf{n}", leaf5 if n == 5 else f"read document {n}") for n in range(20)]
    pairs = [step(f"pair{n}", f"compare {{{{leaf{2 * n}}}}} with {{{{leaf{2 * n + 1}}}}}") for n in range(10)]
    fives = [
        step(f"five{n}", "sum up " + " ".join(f"{{{{pair{m}}}}}" for m in range(5 * n, 5 * n + 5))) for n in range(2)
    ]
    checks = [step(f"check{n}", f"check {{{{pair{n}}}}}") for n in range(7)]
    return workflow(*leaves, *pairs, *fives, *checks, step("report", "report on {{five0}} {{five1}}"))


async def test_of_forty_steps_with_one_changed_leaf_only_what_depends_on_it_runs_again(kit, writer):
    first = await infer(kit, forty())
    assert first.status == 200
    assert len(writer.asked) == 40
    writer.asked.clear()

    again = await infer(kit, forty(leaf5="read document 5, the new edition"))

    found = tiers(again)
    assert len(writer.asked) == 5
    assert {name for name, tier in found.items() if tier == 0} == {"leaf5", "pair2", "five0", "check2", "report"}
    assert {tier for name, tier in found.items() if tier} == {3}
    assert "new edition" in again.json()["response"]


async def test_what_has_not_changed_at_all_costs_nothing_and_says_tier_3(kit, writer):
    await infer(kit, forty())
    writer.asked.clear()

    again = await infer(kit, forty())

    assert writer.asked == []
    assert (again.headers["x-acron-cache"], again.headers["x-acron-cost"]) == ("HIT-T3", "0")
    assert (again.json()["cache_hit"], again.json()["cache_tier"]) == (True, 3)
    assert Decimal(again.json()["savings"]) > 0


async def test_steps_see_what_came_before_them(kit, writer):
    answer = await infer(kit, workflow(step("a", "name a river"), step("b", "how long is {{a}}?")))

    assert answer.json()["response"] == "<how long is <name a river>?>"
    assert [each["response"] for each in answer.json()["steps"]] == ["<name a river>", answer.json()["response"]]


async def test_the_parts_add_up_to_the_whole_here_and_in_the_ledger(kit):
    await infer(kit, workflow(step("a")))

    answer = await infer(
        kit, workflow(step("a"), step("b", model="mock-large"), step("c", "{{a}} {{b}}")), **{"x-request-id": "flow-1"}
    )

    document = answer.json()
    rows = {row.step_id: row for row in kit.ledger.rows.values() if row.request_id == "flow-1"}
    assert set(rows) == {"a", "b", "c"}
    for field, column in (("cost", "cost_usd"), ("baseline_cost", "baseline_cost_usd"), ("savings", "saved_usd")):
        assert Decimal(document[field]) == sum(Decimal(each[field]) for each in document["steps"])
        assert Decimal(document[field]) == sum(getattr(row, column) for row in rows.values())
    assert answer.headers["x-acron-cost"] == document["cost"] != "0"
    assert document["tokens_input"] == sum(each["tokens_input"] for each in document["steps"]) == 30
    assert (rows["a"].cache_tier, rows["b"].model, answer.headers["x-acron-cache"]) == (3, "mock-large", "MISS")


async def test_each_step_is_routed_on_its_own(writer):
    kit = Kit(transport=writer, mock=True)
    steps = (step("easy"), step("hard", quality_preference="high"), step("named", model="mock-small"))

    answer = await infer(kit, {"routing_mode": "autopilot", "workflow": {"steps": list(steps), "output": "hard"}})

    reasons = {each["id"]: each["route_reason"] for each in answer.json()["steps"]}
    assert reasons == {
        "easy": "cheapest of the models with quality >= 3.5",
        "hard": "cheapest of the models with quality >= 4.2",
        "named": "the model was asked for",
    }
    assert answer.json()["response"] == "<do hard>"


async def test_a_failing_step_keeps_the_others_and_another_try_pays_for_the_rest_only(kit, writer):
    writer.scenes["bad"] = refused(400, "this cannot be answered")
    asked = workflow(
        step("good"), step("bad"), step("after", "use {{bad}}"), step("out", "use {{good}}"), output_of="out"
    )
    asked["workflow"]["output"] = asked.pop("output_of")

    answer = await infer(kit, asked)

    assert answer.status == 200
    assert states(answer) == {"good": "ok", "bad": "failed", "after": "skipped", "out": "ok"}
    told = {each["id"]: each for each in answer.json()["steps"]}
    assert "this cannot be answered" in told["bad"]["error"]["message"]
    assert told["after"]["failed_step"] == "bad"

    writer.scenes.clear()
    writer.asked.clear()
    again = await infer(kit, asked)

    assert writer.asked == ["do bad", "use <do bad>"]
    assert set(states(again).values()) == {"ok"}


async def test_without_its_output_a_workflow_fails_as_the_step_did_and_tells_what_was_done(kit, writer):
    writer.scenes["second"] = Scene(429, (orjson.dumps({"error": {"message": "slow down"}}),), {"retry-after": "7"})
    asked = workflow(step("first"), step("second"), step("third", "use {{first}} and {{second}}"))

    answer = await infer(kit, asked, **{"x-request-id": "flow-2"})

    error = answer.json()["error"]
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "7"
    assert (error["code"], error["request_id"]) == ("rate_limit_exceeded", "flow-2")
    assert "'second'" in error["message"]
    assert states(answer) == {"first": "ok", "second": "failed", "third": "skipped"}
    assert error["steps"][0]["response"] == "<do first>"
    assert Decimal(error["steps"][0]["cost"]) > 0
    assert {row.status for row in kit.ledger.rows.values() if row.step_id == "second"} == {EventStatus.ERROR}


async def test_two_workflows_share_the_steps_that_are_the_same(kit, writer):
    await infer(kit, workflow(step("a", "read it"), step("b", "sum up {{a}}")))
    writer.asked.clear()

    other = await infer(kit, workflow(step("x", "sum up {{y}}"), step("y", "read it"), step("z", "translate {{x}}")))

    assert writer.asked == ["translate <sum up <read it>>"]
    assert tiers(other) == {"x": 3, "y": 3, "z": 0}


async def test_another_organization_never_gets_our_steps(kit, writer):
    await infer(kit, workflow(step("a", "our plan")))

    theirs = await infer(kit, workflow(step("a", "our plan")), who="mallory")

    assert tiers(theirs) == {"a": 0}
    assert writer.times["our plan"] == 2


async def test_other_models_settings_and_namespaces_are_other_steps(kit, writer):
    await infer(kit, workflow(step("a")))

    for changed in (
        workflow(step("a", model="mock-large")),
        workflow(step("a", max_tokens=5)),
        workflow(step("a"), system="Be brief."),
        workflow(step("a"), cache={"namespace": "other"}),
    ):
        assert tiers(await infer(kit, changed)) == {"a": 0}
    assert writer.times["do a"] == 5


@pytest.mark.parametrize(
    ("first", "then", "tier"),
    [
        ({}, {"cache": {"mode": "write"}}, 0),
        ({"cache": {"mode": "read"}}, {}, 0),
        ({"cache": {"mode": "off"}}, {}, 0),
        ({"cache": {"tiers": [1, 2]}}, {"cache": {"tiers": [3]}}, 0),
        ({"cache": {"ttl": 0}}, {}, 0),
        ({"cache": {"tiers": [3]}}, {"cache": {"tiers": [1, 3]}}, 3),
        ({}, {"cache": {"tiers": [1]}}, 1),
    ],
)
async def test_the_callers_wishes_about_the_cache_hold_for_each_step(kit, first, then, tier):
    await infer(kit, workflow(step("a"), **first))

    again = await infer(kit, workflow(step("a"), **then))

    assert tiers(again) == {"a": tier}


async def test_a_step_may_be_asked_to_be_fresh(kit):
    await infer(kit, workflow(step("a")))

    again = await infer(kit, workflow(step("a")), **{"Cache-Control": "max-age=0"})

    assert tiers(again) == {"a": 0}


async def test_a_cut_answer_is_no_step_to_be_found_again(kit, writer):
    body = orjson.loads(Scene().pieces[0])
    body["choices"][0]["finish_reason"] = "length"
    writer.scenes["long"] = Scene(pieces=(orjson.dumps(body),))
    await infer(kit, workflow(step("a", "a long story")))

    again = await infer(kit, workflow(step("a", "a long story")))

    assert tiers(again) == {"a": 0}


async def test_an_invalidated_tag_is_not_answered_by_another_tier_either(kit, writer):
    asked = workflow(step("a", "read it", tags=["doc:1"]), step("b", "sum up {{a}}"), step("c", "something else"))
    await infer(kit, asked)
    assert tiers(await infer(kit, asked)) == {"a": 3, "b": 3, "c": 3}

    await kit.steps.invalidate(Namespace(ADA.organization_id), ["doc:1"])
    again = await infer(kit, asked)

    assert tiers(again) == {"a": 0, "b": 0, "c": 3}
    assert writer.times == {"read it": 2, "sum up <read it>": 2, "something else": 1}


async def test_what_a_tagged_step_got_from_a_call_that_had_begun_before_is_not_kept(kit, writer):
    writer.gate = asyncio.Event()
    other = asyncio.create_task(kit.answer(ADA, ask("read it", acron={"cache": {"tiers": [3]}}), Present()))
    await writer.sent.wait()
    running = asyncio.create_task(infer(kit, workflow(step("a", "read it", tags=["doc:1"]))))
    for _ in range(100):
        await asyncio.sleep(0)
    writer.gate.set()

    first, again = await running, await infer(kit, workflow(step("a", "read it", tags=["doc:1"])))

    assert (await other).facts.cache_status == "MISS"
    assert first.json()["steps"][0]["cache"] == "COALESCED"
    assert tiers(again) == {"a": 0}


async def test_identical_steps_that_are_under_way_share_one_call(kit, writer):
    writer.gate = asyncio.Event()
    running = asyncio.create_task(infer(kit, workflow(step("a", "same"), step("b", "same"), step("c", "{{a}} {{b}}"))))
    await writer.sent.wait()
    writer.gate.set()

    answer = await running

    assert writer.times["same"] == 1
    assert {each["cache"] for each in answer.json()["steps"][:2]} == {"MISS", "COALESCED"}


async def test_no_more_steps_than_allowed_are_under_way_at_once(kit, writer):
    writer.gate = asyncio.Event()
    running = asyncio.create_task(infer(kit, workflow(*(step(f"s{n}") for n in range(20)))))
    await writer.sent.wait()
    for _ in range(50):
        await asyncio.sleep(0)
    assert writer.at_once == 8
    writer.gate.set()

    assert (await running).status == 200
    assert writer.most_at_once == 8


async def test_who_hangs_up_stops_what_runs_and_keeps_what_is_done(kit, writer):
    writer.scenes["slow"] = Scene(waits_for=asyncio.Event())
    flow = reading.flow_of(
        ask(acron={"workflow": {"steps": [step("quick"), step("slow", "slow, after {{quick}}")]}}, messages=[])
    )
    assert flow is not None
    running = asyncio.create_task(kit.conductor.answer(ADA, flow))
    for _ in range(100):
        await asyncio.sleep(0)

    running.cancel()
    await asyncio.wait({running}, timeout=1)

    assert running.cancelled()
    assert writer.at_once == 0
    assert {row.step_id: row.status for row in kit.ledger.rows.values()} == {
        "quick": EventStatus.OK,
        "slow": EventStatus.CLIENT_GONE,
    }
    again = await infer(kit, workflow(step("quick")))
    assert tiers(again) == {"quick": 3}


async def test_a_call_that_somebody_else_waits_for_goes_on_when_the_workflows_caller_has_left(kit, writer):
    writer.gate = asyncio.Event()
    flow = reading.flow_of(ask(acron={"workflow": {"steps": [step("a", "same")]}}, messages=[]))
    assert flow is not None
    running = asyncio.create_task(kit.conductor.answer(ADA, flow))
    await writer.sent.wait()
    other = asyncio.create_task(kit.answer(ADA, ask("same"), Present()))
    for _ in range(20):
        await asyncio.sleep(0)

    running.cancel()
    await asyncio.wait({running}, timeout=1)
    writer.gate.set()

    assert (await other).facts.cache_status == "COALESCED"
    assert writer.times["same"] == 1


async def test_where_calls_are_drained_a_step_whose_caller_has_left_is_kept(writer):
    kit = Kit(transport=writer, drains=True)
    writer.gate = asyncio.Event()
    flow = reading.flow_of(ask(acron={"workflow": {"steps": [step("a")]}}, messages=[]))
    assert flow is not None
    running = asyncio.create_task(kit.conductor.answer(ADA, flow))
    await writer.sent.wait()

    running.cancel()
    await asyncio.wait({running})
    writer.gate.set()
    await asyncio.wait(kit.executor.lingering)

    assert tiers(await infer(kit, workflow(step("a")))) == {"a": 3}
    assert writer.times == {"do a": 1}


async def test_a_budget_that_runs_out_midway_keeps_what_was_paid_for(limiter):
    kit = Kit(transport=Writer(tokens=1000), limiter=limiter)
    rules = KeyRules(monthly_budget_usd=Decimal("0.0012"))
    poor = replace(ADA, key_id=uuid7(), rules=rules)
    chain = [step("a"), *(step(b, f"{b} after {{{{{a}}}}}") for a, b in ("ab", "bc", "cd"))]
    asked = ask(messages=[], max_tokens=1000, acron={"workflow": {"steps": chain}})
    flow = reading.flow_of(asked)
    assert flow is not None

    told = await kit.conductor.answer(poor, flow)

    error = orjson.loads(told.body)["error"]
    assert (told.status, error["code"]) == (429, "budget_exceeded")
    assert [each["status"] for each in error["steps"]] == ["ok", "ok", "failed", "skipped"]
    assert sum(Decimal(each["cost"]) for each in error["steps"][:2]) == Decimal("0.001")


async def test_the_same_idempotency_key_runs_a_workflow_once(kit, writer):
    asked = workflow(step("a"), step("b", "{{a}}"), cache={"mode": "off"})
    first = await infer(kit, asked, **{"Idempotency-Key": "k1"})

    again = await infer(kit, asked, **{"Idempotency-Key": "k1", "x-request-id": "second"})
    other = await infer(kit, workflow(step("c")), **{"Idempotency-Key": "k1"})

    assert again.body == first.body
    assert (again.headers["x-request-id"], again.headers["x-acron-cost"]) == ("second", first.headers["x-acron-cost"])
    assert (other.status, other.json()["error"]["code"]) == (409, "conflict")
    assert len(writer.asked) == 2


async def test_a_workflow_that_failed_may_be_sent_again_under_its_idempotency_key(kit, writer):
    writer.scenes["bad"] = refused(400)
    asked = workflow(step("good"), step("bad", "bad {{good}}"))
    failed = await infer(kit, asked, **{"Idempotency-Key": "k2"})
    writer.scenes.clear()

    again = await infer(kit, asked, **{"Idempotency-Key": "k2"})

    assert (failed.status, again.status) == (400, 200)
    assert writer.times["do good"] == 1


async def test_chat_completions_take_workflows_too(kit):
    body = {
        "model": "mock-small",
        "messages": [{"role": "system", "content": "Be brief."}],
        "acron": {"workflow": {"steps": [step("a"), step("b", "after {{a}}")]}},
    }

    answer = await chat(kit, body)

    document = answer.json()
    assert document["choices"][0]["message"]["content"] == "<after <do a>>"
    assert document["usage"] == {"prompt_tokens": 20, "completion_tokens": 20, "total_tokens": 40}
    assert [each["id"] for each in document["acron"]["steps"]] == ["a", "b"]
    assert document["acron"]["cost"] == answer.headers["x-acron-cost"]
