"""Clients people have: they change the base URL and the key, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live

QUESTION = "What is the capital of France?"


def messages(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture
def openai_client(product: Live):
    import openai

    with openai.OpenAI(base_url=f"{product.base}/v1", api_key=product.key, max_retries=0) as client:
        yield client


def test_the_second_identical_call_is_a_hit_that_costs_nothing(openai_client):
    first = openai_client.chat.completions.with_raw_response.create(model="mock-small", messages=messages(QUESTION))
    second = openai_client.chat.completions.with_raw_response.create(model="mock-small", messages=messages(QUESTION))

    assert first.parse().choices[0].message.content == second.parse().choices[0].message.content
    assert (first.headers["x-acron-cache"], second.headers["x-acron-cache"]) == ("MISS", "HIT-T1")
    assert second.headers["x-acron-cost"] == "0"
    assert float(second.headers["x-acron-saved"]) > 0


def test_another_organization_pays_for_itself(openai_client, product):
    import openai

    openai_client.chat.completions.create(model="mock-small", messages=messages("our plan"))
    with openai.OpenAI(base_url=f"{product.base}/v1", api_key=product.rival_key) as rival:
        theirs = rival.chat.completions.with_raw_response.create(model="mock-small", messages=messages("our plan"))

    assert theirs.headers["x-acron-cache"] == "MISS"


@pytest.mark.parametrize("include_usage", [True, False])
def test_streams_arrive_and_show_usage_to_those_who_ask(openai_client, include_usage):
    options = {"stream_options": {"include_usage": True}} if include_usage else {}
    texts = []
    for _ in range(2):
        asked = messages(f"Tell me about rivers ({include_usage})")
        with openai_client.chat.completions.create(
            model="mock-small", messages=asked, stream=True, **options
        ) as stream:
            chunks = list(stream)
        texts.append("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
        assert bool(chunks[-1].usage) is include_usage

    assert texts[0] == texts[1] != ""


def test_automatic_routing_answers_and_says_why(openai_client):
    answer = openai_client.chat.completions.with_raw_response.create(
        model="auto", messages=messages("Route me"), extra_body={"acron": {"quality_preference": "medium"}}
    )

    assert answer.headers["x-acron-route-reason"].startswith("cheapest of the models")


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"model": "no-such-model"}, "NotFoundError", "model_not_found"),
        ({"messages": []}, "BadRequestError", "invalid_request_error"),
        ({"model": "mock-429"}, "RateLimitError", "rate_limit_exceeded"),
        ({"model": "mock-error"}, "InternalServerError", "upstream_error"),
    ],
)
def test_errors_reach_the_client_as_its_own_classes(openai_client, change, error, code):
    import openai

    with pytest.raises(getattr(openai, error)) as caught:
        openai_client.chat.completions.create(**{"model": "mock-small", "messages": messages("x"), **change})

    assert caught.value.code == code


def test_a_wrong_key_is_an_authentication_error(product):
    import openai

    with (
        openai.OpenAI(base_url=f"{product.base}/v1", api_key="ak_live_wrong") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


def test_models_are_listed(openai_client):
    names = [model.id for model in openai_client.models.list()]

    assert {"auto", "mock-small", "gpt-6-luna", "claude-haiku-5-5"} <= set(names)


def test_what_was_asked_stands_in_the_ledger(openai_client, product):
    openai_client.chat.completions.create(model="mock-medium", messages=messages("for the record"), user="ada-1")

    row = product.ledger_row("ada-1")

    assert (row["model"], row["provider"], row["status"]) == ("mock-medium", "mock", "ok")
    assert float(row["cost"]) > 0


def test_langchain_works(product):
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(base_url=f"{product.base}/v1", api_key=product.key, model="mock-small")

    answer = chat.invoke("Say something to LangChain")
    streamed = "".join(chunk.text for chunk in chat.stream("Say something to LangChain"))

    assert answer.text == streamed != ""


OLD_SDK = """
    import openai, sys
    assert openai.__version__.startswith("2."), openai.__version__
    client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2])
    ask = dict(model="mock-small", messages=[{"role": "user", "content": "openai 2.x asks"}])
    plain = client.chat.completions.create(**ask)
    chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == plain.choices[0].message.content, text
    assert chunks[-1].usage.completion_tokens == plain.usage.completion_tokens
    raw = client.chat.completions.with_raw_response.create(**ask)
    print(raw.headers["x-acron-cache"])
"""


def test_openai_2_works(product):
    folder = Path(os.environ.get("ACRON_CLIENTS", "build/clients")).resolve() / "openai2"
    if not folder.exists():
        pytest.skip("openai 2.x is not installed; scripts/test does it")

    done = _run([sys.executable, "-c", textwrap.dedent(OLD_SDK), product.base, product.key], PYTHONPATH=str(folder))

    assert done == "HIT-T1"


NODE_CLIENT = """
    import OpenAI from "openai";
    const client = new OpenAI({baseURL: process.argv[2] + "/v1", apiKey: process.argv[3]});
    const ask = {model: "mock-small", messages: [{role: "user", content: "npm asks"}]};
    const plain = await client.chat.completions.create(ask);
    let text = "";
    for await (const chunk of await client.chat.completions.create({...ask, stream: true}))
        text += chunk.choices[0]?.delta?.content ?? "";
    const {response} = await client.chat.completions.create(ask).withResponse();
    const same = text === plain.choices[0].message.content;
    console.log(JSON.stringify({same, cache: response.headers.get("x-acron-cache")}));
"""


def test_the_npm_package_works(product):
    folder = Path(os.environ.get("ACRON_CLIENTS", "build/clients")).resolve() / "npm"
    if not shutil.which("node") or not (folder / "node_modules" / "openai").exists():
        pytest.skip("node or its openai package is not installed; scripts/test installs the package where node is")
    script = folder / "journey.mjs"
    script.write_text(textwrap.dedent(NODE_CLIENT), encoding="utf-8")

    done = json.loads(_run(["node", str(script), product.base, product.key]))

    assert done == {"same": True, "cache": "HIT-T1"}


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_works(product):
    body = json.dumps({"model": "auto", "messages": messages("curl asks")})
    command = ["curl", "-sS", "-i", f"{product.base}/v1/chat/completions", "-H", f"Authorization: Bearer {product.key}"]

    first, second = (_run([*command, "-H", "Content-Type: application/json", "-d", body]) for _ in range(2))

    assert "x-acron-cache: MISS" in first
    assert "x-acron-cache: HIT-T1" in second


def _run(command: list[str], **environ: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
