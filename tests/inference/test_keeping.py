"""What the cache is asked for, what it keeps, behind which wall, and what the ledger says of the rest."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import pytest

from accounts.principal import Principal
from acron_site.lib.errors import ConflictError
from caching.places import Shelving
from caching.policies import UNKNOWN, Policies, Policy, Wall
from inference import fingerprint, keeping
from inference.domain import CacheStatus, Completion, Usage
from inference.providers.mock import MockTransport
from tests.inference.kit import ADA, MALLORY, Kit, SettledPolicies, ask
from tests.inference.script import COMPLETION, Scene, Script

GRACE = replace(ADA, key_id=UUID(int=12))
BY_USER, BY_KEY = Policy(wall=Wall.USER), Policy(wall=Wall.KEY)
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def choice(message: Any, reason: str = "stop") -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": reason}


def answered(*choices: Any) -> Scene:
    return Scene(pieces=(orjson.dumps({**COMPLETION, "choices": choices}),))


async def reasons(kit: Kit, *asks: Any, principal: Principal = ADA) -> list[tuple[str, str]]:
    answers = [await kit.answer(principal, each) for each in asks]
    rows = kit.ledger.rows
    return [(rows[answer.facts.event_id].cache_status, rows[answer.facts.event_id].cache_reason) for answer in answers]


@pytest.mark.parametrize(
    ("policy", "fields", "reason"),
    [
        (Policy(is_enabled=False), {}, "policy-off"),
        (Policy(), {"head": {"cache_control": "no-store"}}, "no-store"),
        (Policy(), {"acron": {"cache": {"mode": "off"}}}, "no-store"),
        (Policy(), {"head": {"cache_control": "no-cache"}}, "no-cache"),
        (Policy(), {"temperature": 0.5}, "sampled"),
        (BY_USER, {}, "walled-without-user"),
        (BY_USER, {"user": "x" * 256}, "walled-without-user"),
        (BY_USER, {"temperature": 0.5}, "sampled"),
    ],
)
async def test_a_request_that_is_no_look_up_says_why(policy, fields, reason):
    assert await reasons(Kit(policy=policy), ask(**fields)) == [("BYPASS", reason)]


async def test_a_look_up_whose_answer_is_kept_has_nothing_to_say():
    assert await reasons(Kit(), ask(), ask()) == [("MISS", ""), ("HIT-T1", "")]


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        (answered(choice({"content": "half"}, "length")), "cut-by-length"),
        (answered(choice({"content": "x"}, "content_filter")), "filtered"),
        (answered(choice({"refusal": "No."})), "filtered"),
        (answered(choice({"content": ""})), "empty"),
        (answered(choice({"tool_calls": [CALL]}, "tool_calls")), "tool-call"),
        (answered(choice({"tool_calls": [CALL]})), "tool-call"),  # one that the request has forced
        (answered(choice({"content": "a"}), choice({"content": "b"}, "length")), "cut-by-length"),
        (answered(choice({"content": "a"}, "odd")), "unfinished"),
        (answered(choice({"content": "x" * 3_000})), "too-large"),
    ],
)
async def test_an_answer_that_is_not_kept_says_why(scene, reason):
    kit = Kit(transport=Script(scene, scene), policy=Policy(max_entry_bytes=2_000))

    assert await reasons(kit, ask(), ask()) == [("MISS", reason)] * 2


@pytest.mark.parametrize(
    ("fields", "reason"), [({"cache": {"mode": "read"}}, "read-only"), ({"cache": {"ttl": 0}}, "zero-ttl")]
)
async def test_a_caller_who_wants_nothing_kept_is_the_reason(fields, reason):
    assert await reasons(Kit(), ask(acron=fields)) == [("MISS", reason)]


async def test_a_store_that_is_down_is_the_reason_for_a_miss():
    kit = Kit()
    kit.cache.store = _Away()

    assert await reasons(kit, ask()) == [("MISS", "store-down")]


class _Away:
    name = "away"
    is_reachable = False

    async def get(self, key: bytes) -> None:
        return None

    def put(self, key: bytes, value: bytes, ttl_seconds: int, *, shelving: Shelving | None = None) -> None:
        return None

    async def is_up(self) -> bool:
        return False

    async def close(self) -> None:
        return None


async def test_calls_of_tools_are_kept_where_the_policy_says_so():
    scene = answered(choice({"tool_calls": [CALL]}, "tool_calls"))
    kit = Kit(transport=Script(scene), policy=Policy(keep_tool_calls=True))

    assert await reasons(kit, ask(), ask()) == [("MISS", ""), ("HIT-T1", "")]


@pytest.mark.parametrize("reason", ["length", "content_filter", "hosted_tool", "", "odd"])
def test_nothing_else_is_kept_by_that(reason):
    completion = Completion(b"{}", Usage(), ("tool_calls", reason))

    assert keeping.flaw(completion, keep_tool_calls=True)


def test_an_estimate_is_never_kept():
    assert keeping.flaw(Completion(b"{}", Usage(is_estimate=True), ("stop",)), keep_tool_calls=True) == "estimated"


async def test_a_policy_holds_in_its_own_namespace():
    kit = Kit(policies=SettledPolicies(Policies(named={"drafts": Policy(is_enabled=False)})))
    drafts = {"cache": {"namespace": "drafts"}}

    assert await reasons(kit, ask(acron=drafts), ask()) == [("BYPASS", "policy-off"), ("MISS", "")]


async def test_while_policies_are_unknown_answers_go_on_without_the_cache():
    kit = Kit(policies=SettledPolicies(UNKNOWN))

    assert await reasons(kit, ask(), ask()) == [("BYPASS", "policy-unknown")] * 2


async def test_policies_that_are_not_in_memory_are_waited_for():
    class Later(SettledPolicies):
        def known(self, organization_id: UUID) -> None:  # type: ignore[override]
            return None

    kit = Kit(policies=Later(Policies(Policy(is_enabled=False))))

    assert await reasons(kit, ask()) == [("BYPASS", "policy-off")]


async def test_the_time_to_live_is_the_policys_unless_the_request_has_its_own():
    puts: list[int] = []
    kit = Kit(policy=Policy(ttl_seconds=77))
    kit.cache.store = SimpleNamespace(
        name="noted", is_reachable=True, get=kit.store.get, put=lambda key, value, ttl, **_: puts.append(ttl)
    )

    await reasons(kit, ask("one"), ask("two", acron={"cache": {"ttl": 5}}))

    assert puts == [77, 5]


async def test_end_users_behind_a_wall_do_not_share():
    kit = Kit(policy=BY_USER)

    found = await reasons(kit, ask(user="a"), ask(user="b"), ask(user="a"), ask(user="b"), ask())

    assert [status for status, _ in found] == ["MISS", "MISS", "HIT-T1", "HIT-T1", "BYPASS"]


async def test_keys_behind_a_wall_do_not_share_and_rolled_ones_do():
    kit = Kit(policy=BY_KEY)
    rolled = replace(ADA, key_id=UUID(int=13), family_id=ADA.key_id)
    nobody = replace(ADA, key_id=None)

    statuses = [
        (await kit.answer(principal, ask())).facts.cache_status for principal in (ADA, GRACE, ADA, rolled, nobody)
    ]

    assert statuses == ["MISS", "MISS", "HIT-T1", "HIT-T1", "BYPASS"]
    assert kit.ledger.last.cache_reason == "walled-without-key"


async def test_no_namespace_a_caller_may_name_leads_through_a_wall():
    gate = keeping.gate(ADA, ask(user="a"), Policies(BY_USER))

    assert not gate.namespace.name.isprintable()
    assert "user:" in gate.namespace.name
    assert gate.namespace.organization_id == ADA.organization_id


async def test_behind_a_wall_another_users_idempotency_key_gives_nothing_away():
    kit = Kit(policy=BY_USER)
    await kit.answer(ADA, ask(user="a", head={"idempotency_key": "k1"}))

    with pytest.raises(ConflictError):
        await kit.answer(ADA, ask(user="b", head={"idempotency_key": "k1"}))


async def test_a_wall_stands_inside_of_the_organizations():
    kit = Kit(policy=BY_USER)
    await kit.answer(ADA, ask(user="a"))

    theirs = await kit.answer(MALLORY, ask(user="a"))

    assert theirs.facts.cache_status is CacheStatus.MISS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}'),
        (b'{"a":1}', b'{"a":1.0}'),
        (b'{"a":1}', b'{"a": 1e0 }'),
        (b'{"a":[{"b":-3}]}', b'{"a":[{"b":-3.00}]}'),
        (b'{"a":0}', b'{"a":-0.0}'),
        (b'{"a":100}', b'{"a":1E2}'),
        (b'{"a":0.1}', b'{"a":1e-1}'),
        ('{"a":"é"}'.encode(), b'{"a":"\\u00e9"}'),
        (b'{"a":"/"}', b'{"a":"\\/"}'),
    ],
)
def test_the_same_json_written_otherwise_is_the_same(one, other):
    assert fingerprint.canonical(orjson.loads(one)) == fingerprint.canonical(orjson.loads(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1}', b'{"a":true}'),
        (b'{"a":1}', b'{"a":"1"}'),
        (b'{"a":1.0}', b'{"a":"1.0"}'),
        (b'{"a":"1.0"}', b'{"a":"1"}'),
        (b'{"a":1}', b'{"a":1.0000001}'),
        (b'{"a":9007199254740993}', b'{"a":9007199254740992.0}'),
        ('{"a":"é"}'.encode(), b'{"a":"e\\u0301"}'),
        (b'{"a":null}', b"{}"),
        (b'{"a":[1,2]}', b'{"a":[2,1]}'),
    ],
)
def test_what_is_not_the_same_stays_apart(one, other):
    assert fingerprint.canonical(orjson.loads(one)) != fingerprint.canonical(orjson.loads(other))


async def test_a_temperature_of_zero_is_zero_however_it_is_written():
    kit = Kit(transport=MockTransport(latency_scale=0))

    found = await reasons(kit, ask(temperature=0), ask(temperature=0.0), ask(top_p=1), ask(top_p=1.0))

    assert [status for status, _ in found] == ["MISS", "HIT-T1", "MISS", "HIT-T1"]


def test_a_user_who_is_named_lies_nowhere_in_clear():
    gate = keeping.gate(ADA, ask(user="ada@example.com"), Policies(BY_USER))

    assert "ada@example.com" not in gate.namespace.name
