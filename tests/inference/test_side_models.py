"""What other models used inside one call to Anthropic is booked and billed beside the answer."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

from accounts.limits.limiter import Limiter
from accounts.principal import KeyRules, Principal
from acron_site.lib.ids import uuid7
from analytics.events import EventKind, EventStatus
from inference.domain import Answer
from inference.providers.base import Provider
from inference.providers.kinds import dialects_of
from inference.wire import headers
from tests.inference.kit import ADA, Kit, ask
from tests.inference.script import Scene, Script

USAGE = {
    "input_tokens": 1000,
    "output_tokens": 100,
    "iterations": [
        {"type": "message", "input_tokens": 1000, "output_tokens": 100},
        {"type": "advisor", "model": "mock-large", "input_tokens": 200, "output_tokens": 10},
    ],
}
MAIN, SIDE = Decimal("0.00014"), Decimal("0.0012")  # mock-small 0.1 and 0.4 a million, mock-large 5 and 20


def message(usage: dict[str, Any]) -> dict[str, Any]:
    said = [{"type": "text", "text": "Paris."}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "mock-small", "content": said,
            "stop_reason": "end_turn", "usage": usage}  # fmt: skip


def streamed(usage: dict[str, Any]) -> bytes:
    head = {**message({"input_tokens": 1000, "output_tokens": 1}), "content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": head},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Paris."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    ]
    return b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), orjson.dumps(each)) for each in events)


def kit(usage: dict[str, Any], *, stream: bool = False, **parts: Any) -> Kit:
    body = streamed(usage) if stream else orjson.dumps(message(usage))
    made = Kit(transport=Script(Scene(pieces=(body,))), **parts)
    made.provider = Provider("mock", dialects_of("anthropic", api_key="k", name="mock"), made.transport)
    return made


async def answered(gateway: Kit, principal: Principal = ADA, **fields: Any) -> Answer:
    answer = await gateway.answer(principal, ask(**fields))
    if answer.stream is not None:
        async for _ in answer.stream:
            pass
    return answer


@pytest.mark.parametrize("stream", [False, True])
async def test_each_model_has_a_row_of_its_own_under_one_request(stream):
    gateway = kit(USAGE, stream=stream)

    await answered(gateway, stream=stream)

    rows = {row.kind: row for row in gateway.ledger.rows.values()}
    assert len(gateway.ledger.rows) == 2
    assert (rows[EventKind.ANSWER].model, rows[EventKind.ANSWER].cost_usd) == ("mock-small", MAIN)
    assert (rows[EventKind.SIDE].model, rows[EventKind.SIDE].cost_usd) == ("mock-large", SIDE)
    assert rows[EventKind.SIDE].status is EventStatus.OK
    assert rows[EventKind.SIDE].request_id == rows[EventKind.ANSWER].request_id


async def test_the_caller_is_told_the_sum():
    answer = await answered(kit(USAGE))

    told = dict(headers.of_answer(answer))
    assert Decimal(told[b"x-acron-cost"].decode()) == MAIN + SIDE
    assert Decimal(told[b"x-acron-baseline-cost"].decode()) == MAIN + SIDE


async def test_a_budget_is_charged_the_sum():
    gateway = kit(USAGE, limiter=Limiter(None, spent=lambda subject, since: Decimal(0)))
    ada = replace(ADA, key_id=uuid7(), rules=KeyRules(monthly_budget_usd=Decimal(1)))

    await answered(gateway, ada, max_tokens=200)

    standing = await gateway.gateway.allowances.standing(ada)
    assert standing is not None
    assert standing.spent_usd == MAIN + SIDE


async def test_a_model_that_nobody_knows_makes_the_sum_unknown():
    usage = {**USAGE, "iterations": [{"type": "advisor", "model": "tomorrow", "input_tokens": 1, "output_tokens": 1}]}

    answer = await answered(kit(usage))

    assert dict(headers.of_answer(answer))[b"x-acron-cost"] == b"unpriced"
    assert answer.facts.cost_usd == MAIN


async def test_a_test_key_pays_for_none():
    gateway = kit(USAGE)

    answer = await answered(gateway, Principal(ADA.organization_id, ADA.scopes, is_test=True))

    assert (len(gateway.ledger.rows), answer.cost_usd) == (1, Decimal(0))
