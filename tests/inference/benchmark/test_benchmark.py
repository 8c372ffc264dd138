"""The benchmark sends a workload through the gateway itself, tells what it cannot know, and leaves nothing behind."""

import json
from dataclasses import replace
from decimal import Decimal
from io import StringIO

import orjson
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from accounts.models import Organization
from analytics.models import InferenceEvent
from caching.models import SemanticEntry
from inference.benchmark import performance, workload, workload_report
from inference.benchmark.intervals import Bootstrap
from inference.benchmark.performance import Plan
from tests.inference import stub

STRONG = "gpt-6.1-sol"
STORY = [
    {"id": "1", "group": "chile", "prompt": "What is the capital of Chile?", "task": "qa", "tokens_output": 10},
    {"id": "2", "group": "chile", "prompt": "What is the capital of Chile?", "task": "qa", "tokens_output": 10},
    {"id": "3", "group": "peru", "near_miss_of": "chile", "prompt": "What is the capital of Peru?", "task": "qa"},
    {"id": "4", "group": "code", "prompt": "Write a sort.", "task": "code", "quality": 4.2, "tokens_output": 300},
]


def written(tmp_path, rows=STORY):
    path = tmp_path / "workload.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


def run(tmp_path, *arguments):
    out = StringIO()
    call_command("benchmark", *arguments, "--output", str(tmp_path / "out"), stdout=out, stderr=StringIO())
    return out.getvalue()


def what_is_left():
    return [
        getattr(table, "all_organizations", table.objects).count()
        for table in (Organization, InferenceEvent, SemanticEntry)
    ]


def test_a_workload_is_answered_priced_and_forgotten(transactional_db, tmp_path):
    before = what_is_left()

    document = json.loads(run(tmp_path, str(written(tmp_path)), "--strong", STRONG, "--draws", "50", "--json"))

    figures = document["figures"]
    steps = {step["label"]: Decimal(step["to"]) - Decimal(step["from"]) for step in document["plots"][0]["steps"]}
    paid = Decimal(figures["paid_usd"]["value"])
    assert figures["hit_rate"]["value"] == figures["hit_rate_t1"]["value"] == 0.25
    assert (figures["wrong_hits"]["value"], figures["failed"]["value"], figures["unpriced"]["value"]) == (0, 0, 0)
    assert 0 < paid < Decimal(figures["baseline_usd"]["value"])
    assert steps["paid"] == paid
    assert steps[f"all at {STRONG}"] + steps["exact cache (T1)"] + steps["routing"] == paid
    assert figures["saved_share"]["low"] <= figures["saved_share"]["value"] <= figures["saved_share"]["high"]
    assert not {"quality_retained", "saved_share_of_answers"} & set(figures)
    assert any("quality is not measured" in limit for limit in document["limits"])
    assert "seed 20261101" in document["conditions"]["intervals"]
    assert str(tmp_path) not in json.dumps(document)
    assert {file.suffix for file in (tmp_path / "out").iterdir()} == {".txt", ".json", ".html"}
    assert what_is_left() == before


def test_a_stopped_benchmark_leaves_nothing_behind(transactional_db, tmp_path):
    items = list(workload.read(written(tmp_path).read_bytes().splitlines()))
    before = what_is_left()

    def stop(number):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        performance.perform(items, django_settings.ACRON, Plan(STRONG, "off"), show=stop)

    assert what_is_left() == before


def completion(model: str, content: str) -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": choices, "usage": usage}
    return stub.answer(body)


def models_file(tmp_path, url: str) -> str:
    path = tmp_path / "models.yaml"
    path.write_text(f"""
providers: {{own: {{kind: openai-compatible, base_url: "{url}/v1"}}}}
models:
  strong:
    provider: own
    quality: {{default: 4.8}}
    prices: {{source: list, as_of: 2026-11-12, standard: {{input: 1000, output: 1000}}}}
  weak:
    provider: own
    quality: {{default: 3.8}}
    prices: {{source: list, as_of: 2026-11-12, standard: {{input: 100, output: 100}}}}
""")
    return str(path)


def at(tmp_path, url: str):
    config = django_settings.ACRON
    return replace(config, providers=replace(config.providers, models_file=models_file(tmp_path, url)))


def test_real_providers_are_asked_beside_each_other_and_their_answers_judged(transactional_db, tmp_path):
    rows = [
        {"id": "1", "group": "a", "prompt": "2 + 2?", "expect": {"number": 4}},
        {"id": "2", "group": "b", "prompt": "3 + 3?", "expect": {"number": 6}},
    ]
    items = list(workload.read(map(orjson.dumps, rows)))
    answers = [completion("weak", "4"), completion("strong", "4"), completion("weak", "5"), completion("strong", "6")]
    with stub.serve_beside(*((answer,) for answer in answers)) as provider:
        run = performance.perform(items, at(tmp_path, provider.url), Plan("strong", "off", is_real=True))

    figures = {each.name: each for each in workload_report.report(run, Bootstrap(seed=1, draws=50), {}).figures}
    assert [received.json["model"] for received in provider.received] == ["weak", "strong", "weak", "strong"]
    assert all("acron" not in received.json for received in provider.received)
    assert figures["quality_retained"].value == 0.5
    assert (figures["right_optimised"].value, figures["right_baseline"].value) == (0.5, 1.0)
    assert figures["paid_usd"].value == Decimal("0.004")
    assert figures["baseline_usd"].value == figures["strong_answers_usd"].value == Decimal("0.04")
    assert figures["saved_share_of_answers"].value == pytest.approx(0.9)


def test_a_ceiling_stops_before_the_next_request(transactional_db, tmp_path):
    items = list(workload.read(orjson.dumps({"prompt": f"question {number}"}) for number in range(5)))
    plan = Plan("strong", "off", is_real=True, most_usd=Decimal("0.03"))
    with stub.serve_beside((completion("any", "yes"),)) as provider:
        run = performance.perform(items, at(tmp_path, provider.url), plan)

    # each pair costs 0.022
    assert len(run.outcomes) == 2
    assert run.stopped_because == "stopped before request 3 of 5: 0.03 USD were spent"


def test_a_provider_that_fails_is_an_answer_that_is_missing(transactional_db, tmp_path):
    items = list(workload.read([orjson.dumps({"prompt": "anybody?"})]))
    with stub.serve_beside((stub.answer({"error": {"message": "no"}}, status=400),)) as provider:
        run = performance.perform(items, at(tmp_path, provider.url), Plan("strong", "off", is_real=True))

    figures = {each.name: each for each in workload_report.report(run, Bootstrap(seed=1, draws=50), {}).figures}
    assert figures["failed"].value == 1
    assert figures["saved_share"].value is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--providers", "real"], "say with --most-usd"),
        (["--requests", "0"], "holds no requests"),
        (["--strong", "unheard-of"], "unheard-of"),
        (["--draws", "0"], "--draws must be at least 1"),
        (["--most-usd", "nan"], "no amount of USD"),
        (["--price", "model"], "no price like"),
        (["--recorded", "missing.jsonl"], r"missing\.jsonl"),
        (["missing.jsonl"], r"missing\.jsonl"),
    ],
)
def test_what_cannot_be_compared_is_said(db, tmp_path, arguments, says):
    with pytest.raises(CommandError, match=says):
        run(tmp_path, *arguments)


def test_recorded_answers_take_the_place_of_a_workload(tmp_path):
    rows = [
        {"prompt": f"question {number}", "domain": "ab"[number % 2], "scores": {"x": 1, "y": number % 2}}
        for number in range(60)
    ]
    path = written(tmp_path, rows)

    said = run(tmp_path, "--recorded", str(path), "--strong", "x", "--price", "x=10/10", "y=1/1", "--draws", "50")

    assert said.startswith("Benchmark: routing on recorded answers")
    assert "60 prompts with recorded answers of 2 models" in said
