"""Requests that must be quick go to models that have been quick lately, and nobody learns how others' keys fare."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from acron_site.lib.outbound import reach_from
from inference import catalog as catalogs
from inference.domain import RoutingMode
from inference.provider_directory import Providers
from inference.resilience.latencies import Latencies
from inference.wire import native
from inference.wire.http import Head
from tests.inference.kit import ADA, Kit, ask, bytes_of
from tests.inference.script import Script, refused, streamed
from tests.inference.test_cascade import said
from tests.inference.test_judged_cascades import FINE, NAMED
from tests.inference.test_own_provider_keys import CIPHER, MODELS, with_key

FAST = {"model": "acron-guided", "acron": {"quality_preference": "medium", "latency_preference": "fast"}}


class Clock:
    """Passes two seconds whenever it is looked at, so that nothing is remembered."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 2.0
        return self.now


@pytest.fixture
def latencies() -> Latencies:
    return Latencies(Clock())


def feed(latencies: Latencies, model: str, latency_ms: float, times: int = 100) -> None:
    for _ in range(times):
        latencies.saw(model, model, latency_ms=latency_ms, first_token_ms=None, tokens=10)


async def asked_often(kit: Kit, principal: Any = ADA, times: int = 22, **fields: Any) -> None:
    for turn in range(times):
        answer = await kit.answer(principal, ask(f"{turn}", **fields))
        if answer.stream is not None:
            await bytes_of(answer)


@pytest.mark.parametrize(("latency_ms", "model"), [(700.0, "mock-medium"), (9000.0, "mock-large")])
async def test_who_is_in_a_hurry_gets_a_model_that_has_been_quick_lately(latencies, latency_ms, model):
    kit = Kit(mock=True, without="far-away", latencies=latencies)
    feed(latencies, "mock-medium", latency_ms)

    answer = await kit.answer(ADA, ask(**FAST))

    assert answer.facts.model == model


async def test_a_model_that_is_quicker_than_listed_is_open_to_who_is_in_a_hurry(latencies):
    kit = Kit(mock=True, without="far-away", latencies=latencies)
    feed(latencies, "mock-large", 300.0, times=1000)
    hurried = {"quality_threshold": 4.5, "latency_budget_ms": 1000}  # it is listed with 1500 ms

    answer = await kit.answer(ADA, ask(model="auto", acron=hurried))

    assert answer.facts.model == "mock-large"


async def test_a_cascade_that_would_take_too_long_is_none(latencies):
    kit = Kit(mock=True, transport=Script(said("Paris.")), latencies=latencies)
    feed(latencies, "mock-large", 9000.0)
    hurried = {"cascade": {"strong": "mock-large"}, "latency_budget_ms": 5000}

    await kit.answer(ADA, ask(model="auto", acron=hurried))

    assert kit.transport.models == ["mock-large"]


async def test_an_explanation_shows_what_is_measured(latencies):
    kit = Kit(mock=True, without="far-away", latencies=latencies)
    feed(latencies, "mock-medium", 1400.0, times=60)
    body = orjson.dumps({"prompt": "Which city?", "routing_mode": "guided", "latency_preference": "fast"})

    answer = await kit.answer(ADA, native.read(body, Head("req_1", 0.0), default_mode=RoutingMode.AUTOPILOT))

    shown = {each["model"]: each for each in orjson.loads(native.write(answer))["routing"]["candidates"]}
    medium = shown["mock-medium"]
    assert medium["measured"]["calls"] == 60
    assert medium["measured"]["latency_ms"] == {
        "p50": pytest.approx(1400, rel=0.1),
        "p95": pytest.approx(1400, rel=0.1),
    }
    assert medium["measured"]["tokens_per_second"] is None
    assert 700 < medium["estimated_latency_ms"] < 1400
    assert (shown["mock-large"]["measured"], shown["mock-large"]["estimated_latency_ms"]) == (None, 1500)


async def test_each_answer_is_measured_from_when_its_provider_was_asked(latencies):
    kit = Kit(mock=True, latencies=latencies)

    await asked_often(kit)

    pace = latencies.typical().paces["mock-small"]
    assert pace.calls == 22
    assert pace.first_token_ms is None
    assert all(row.latency_ms > row.overhead_ms for row in kit.ledger.rows.values())


async def test_of_streams_the_beginning_is_measured_too(latencies):
    kit = Kit(mock=True, transport=Script(*[streamed() for _ in range(22)]), latencies=latencies)

    await asked_often(kit, stream=True)

    assert latencies.typical().paces["mock-small"].first_token_ms is not None


async def test_a_model_that_only_cascades_ask_is_measured_and_their_judge_is_not(latencies):
    scenes = [scene for _ in range(22) for scene in (said("Paris."), said(FINE))]
    kit = Kit(mock=True, transport=Script(*scenes), latencies=latencies)

    await asked_often(kit, model="auto", acron={"cascade": NAMED})

    assert kit.transport.models[:2] == [*NAMED["models"], NAMED["judge"]]
    assert list(latencies.typical().paces) == NAMED["models"]


async def test_failures_and_hits_say_nothing(latencies):
    refusing = Kit(mock=True, transport=Script(refused(400)), latencies=latencies)
    keeping = Kit(mock=True, latencies=latencies)

    for turn in range(22):
        with pytest.raises(Exception, match="no"):
            await refusing.answer(ADA, ask(f"{turn}"))
        await keeping.answer(ADA, ask())

    assert latencies.typical().paces == {}


async def test_what_private_keys_meet_is_not_told_to_others(latencies):
    kit = Kit(mock=True, latencies=latencies)

    await asked_often(kit, replace(ADA, is_test=True))

    assert latencies.typical().paces == {}


@pytest.mark.parametrize(
    ("principal", "is_private"),
    [(ADA, False), (with_key(ADA, "sk-ada-own"), True), (replace(ADA, is_test=True), True)],
    ids=["the operator's key", "her organization's own key", "a test key"],
)
def test_calls_with_an_organizations_own_key_and_test_keys_are_private(tmp_path, principal, is_private):
    path = tmp_path / "models.yaml"
    path.write_text(MODELS.format(url="http://127.0.0.1:1"), encoding="utf-8")
    catalog = catalogs.load(path, {"OPENAI_API_KEY": "sk-the-operators"}, mock=False)
    nobody = Script()
    providers = Providers(nobody, CIPHER, guarded=nobody, reach=reach_from(""))

    (target,) = providers.targets(catalog.find("bright"), principal)

    assert target.is_private is is_private
