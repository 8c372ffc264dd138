"""A workflow with the client people have, from its first run to the ledger."""

import http.client
import json
import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.live import Live


@pytest.fixture
def client(product: Live):
    import openai

    with openai.OpenAI(base_url=f"{product.base}/v1", api_key=product.key, max_retries=0) as client:
        yield client


def steps(topic: str) -> dict[str, Any]:
    asked = [
        {"id": "facts", "prompt": f"List three facts about {topic}"},
        {"id": "doubts", "prompt": f"List three doubts about {topic}"},
        {"id": "report", "prompt": "Weigh {{facts}} against {{doubts}}", "model": "mock-large"},
    ]
    return {"acron": {"workflow": {"steps": asked}}}


def rows_of(product: Live, request_id: str, count: int, *, are_over: bool = False) -> list[dict[str, Any]]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        rows = [row for row in product.recent() if row["request_id"] == request_id]
        if len(rows) == count and not (are_over and any(row["status"] == "started" for row in rows)):
            return rows
        time.sleep(0.1)
    raise AssertionError([(row["step"], row["status"], row["model"]) for row in rows])


def test_a_workflow_runs_once_and_its_steps_are_found_again(client, product):
    extra = steps(f"rivers {uuid4()}")

    first = client.chat.completions.with_raw_response.create(model="mock-small", messages=[], extra_body=extra)
    again = client.chat.completions.with_raw_response.create(model="mock-small", messages=[], extra_body=extra)

    one, other = first.parse(), again.parse()
    assert one.choices[0].message.content == other.choices[0].message.content
    assert (first.headers["x-acron-cache"], again.headers["x-acron-cache"]) == ("MISS", "HIT-T3")
    assert again.headers["x-acron-cost"] == "0"
    assert again.headers["x-acron-saved"] == first.headers["x-acron-cost"]
    rows = rows_of(product, first.headers["x-request-id"], 3, are_over=True)
    assert {row["step"]: row["model"] for row in rows} == {
        "facts": "mock-small",
        "doubts": "mock-small",
        "report": "mock-large",
    }
    assert sum(Decimal(row["cost"]) for row in rows) == Decimal(first.headers["x-acron-cost"]) > 0
    assert {row["cache_tier"] for row in rows_of(product, again.headers["x-request-id"], 3)} == {3}


def test_a_stream_of_steps_is_read_by_who_knows_nothing_of_them(client):
    extra = steps(f"lakes {uuid4()}")
    usage: Any = {"include_usage": True}

    with client.chat.completions.create(
        model="mock-small", messages=[], extra_body=extra, stream=True, stream_options=usage
    ) as stream:
        chunks = list(stream)
    with client.chat.completions.stream(model="mock-small", messages=[], extra_body=extra) as helped:
        helped.until_done()
        whole = helped.get_final_completion()

    told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert told == whole.choices[0].message.content != ""
    assert chunks[-1].usage.total_tokens > 0
    stood = [
        chunk.model_extra["acron"]["step"] for chunk in chunks if "step" in (chunk.model_extra or {}).get("acron", {})
    ]
    assert [each["id"] for each in stood if each["status"] == "ok"][-1] == "report"
    assert len(stood) == 6


def test_who_leaves_stops_what_runs_and_finds_what_was_done(product):
    request_id, quick = f"left-{uuid4()}", {"id": "quick", "prompt": f"a word on {uuid4()}"}
    slow = {"id": "slow", "prompt": "after {{quick}}", "model": "mock-hang"}
    body = {"model_override": "mock-small", "workflow": {"steps": [quick, slow]}, "stream": True}
    leaving = http.client.HTTPConnection(product.base.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Bearer {product.key}", "X-Request-Id": request_id}
    leaving.request("POST", "/infer", json.dumps(body), {"Content-Type": "application/json", **headers})
    response = leaving.getresponse()
    rows_of(product, request_id, 2)  # both are asked

    response.close()
    leaving.close()

    rows = {row["step"]: row for row in rows_of(product, request_id, 2, are_over=True)}
    assert (rows["quick"]["status"], rows["slow"]["status"]) == ("ok", "client_gone")
    assert rows["slow"]["latency_ms"] < 5000  # of a machine that does much else; in itself it is a moment
    _, _, again = product.call("/infer", {**body, "workflow": {"steps": [quick]}, "stream": False})
    assert again["cache_tier"] == 3


def test_another_organizations_workflow_pays_for_itself(product):
    body = {"model_override": "mock-small", "workflow": {"steps": [{"id": "a", "prompt": f"our plan {uuid4()}"}]}}
    product.call("/infer", body)

    status, _, theirs = product.call("/infer", body, key=product.rival_key)

    assert (status, theirs["cache_tier"], theirs["steps"][0]["cache"]) == (200, 0, "MISS")


def test_an_invalidated_tag_reaches_the_running_product(product):
    tag = f"doc:{uuid4()}"
    step = {"id": "a", "prompt": f"sum up {tag}", "tags": [tag]}
    body = {"model_override": "mock-small", "workflow": {"steps": [step]}}
    tiers = [product.call("/infer", body)[2]["cache_tier"] for _ in range(2)]

    status, _, _ = product.call("/cache/steps/invalidate", {"tags": [tag]})

    assert (tiers, status) == ([0, 3], 200)
    assert product.call("/infer", body)[2]["cache_tier"] == 0
