"""LiteLLM as a client: its own gateway's library pointed at ours."""

import json
import os
from importlib.metadata import version
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would call home when it is imported

import litellm
from telling import (
    IMPATIENT_SECONDS,
    PICTURE,
    TOWN,
    WEATHER,
    Case,
    holds,
    raises,
    same,
    tell,
    weather,
    weather_answers,
)

TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": WEATHER}}]


def ask(case: Case, content: Any, **more: Any) -> Any:
    messages = content if isinstance(content, list) and "role" in content[0] else [{"role": "user", "content": content}]
    is_anthropic = case.model.startswith("anthropic/")
    asked = {
        "model": case.model,
        "api_base": case.base if is_anthropic else f"{case.base}/v1",
        "api_key": case.key,
        "num_retries": 0,
        "max_retries": 0,
        **more,
    }
    return litellm.completion(messages=messages, **asked)


def plain(case: Case) -> None:
    question = case.question(f"plain by {case.model}?")
    answer = ask(case, question)
    same(answer.choices[0].message.content, f"You said: {question}.")
    holds(answer.usage.completion_tokens > 0, answer.usage)


def stream(case: Case) -> None:
    question = case.question(f"a stream by {case.model}?")
    chunks = list(ask(case, question, stream=True))
    same("".join(each.choices[0].delta.content or "" for each in chunks), f"You said: {question}.")


def tools(case: Case) -> None:
    cities = ["Paris", "Rome"]
    turns = [{"role": "user", "content": case.question(f"The weather in Paris and in Rome by {case.model}?")}]
    first = ask(case, turns, tools=TOOLS).choices[0]
    calls = first.message.tool_calls
    same([json.loads(call.function.arguments) for call in calls], [{"city": city} for city in cities])
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": weather(city)}
        for call, city in zip(calls, cities, strict=True)
    ]
    second = ask(case, [*turns, first.message.model_dump(exclude_none=True), *results], tools=TOOLS)
    same(second.choices[0].message.content, weather_answers(cities))


def vision(case: Case) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    parts = [{"type": "text", "text": case.question(f"See, {case.model}?")}, picture]
    holds("I see 1 image: image/png." in (answer := ask(case, parts).choices[0].message.content), answer)


def json_schema(case: Case) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "town", "strict": True, "schema": TOWN}}
    answer = ask(case, case.question(f"Describe 'Oslo', {case.model}"), response_format=wanted)
    same(json.loads(answer.choices[0].message.content)["city"], "Oslo")


def embeddings(case: Case) -> None:
    texts = [case.question("one"), case.question("two")]
    asked = {"model": "openai/text-embedding-3-small", "api_base": f"{case.base}/v1", "api_key": case.key}
    same([len(each["embedding"]) for each in litellm.embedding(input=texts, **asked).data], [1536, 1536])


def bad_key(case: Case) -> None:
    raises(litellm.AuthenticationError, lambda: ask(case, "x", api_key=case.bad_key))


def no_model(case: Case) -> None:
    raises(litellm.NotFoundError, lambda: ask(case, "x", model="openai/no-such-model"))


def rate_limit(case: Case) -> None:
    raises(litellm.RateLimitError, lambda: ask(case, case.question("429?"), model="openai/err-429"))


def timeout(case: Case) -> None:
    raises(litellm.Timeout, lambda: ask(case, case.question("slow?"), model="openai/slow", timeout=IMPATIENT_SECONDS))


def retries(case: Case) -> None:
    question = case.question("again?")
    answer = ask(case, question, model="openai/flaky", num_retries=2, max_retries=2)
    same(answer.choices[0].message.content, f"You said: {question}.")


def through_anthropic(case: Case) -> None:
    """The same through its Anthropic client."""
    own = Case(case.base, case.key, case.client, "anthropic/claude-haiku-5-5")
    for act in (plain, stream, tools, vision):
        act(own)


CASES = {
    act.__name__: act
    for act in (
        *(plain, stream, tools, vision, json_schema, embeddings),
        *(bad_key, no_model, rate_limit, timeout, retries, through_anthropic),
    )
}

if __name__ == "__main__":
    tell("litellm", version("litellm"), CASES, "openai/gpt-6-luna")
