"""The anthropic package for Python, of whatever version this interpreter finds."""

import asyncio
import json
from typing import Any

import anthropic
from telling import IMPATIENT_SECONDS, PICTURE, TOWN, WEATHER, Case, holds, raises, same, tell, weather, weather_answers

TOOLS = [{"name": "get_weather", "description": "Weather", "input_schema": WEATHER}]
NAMED = {"type": "tool", "name": "get_weather"}
MOST_TOKENS = 1024


def client(case: Case, **changes: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(**{"base_url": case.base, "api_key": case.key, "max_retries": 0, **changes})


def body(case: Case, content: Any, **more: Any) -> dict[str, Any]:
    messages = content if isinstance(content, list) and "role" in content[0] else [{"role": "user", "content": content}]
    return {"model": case.model, "max_tokens": MOST_TOKENS, "messages": messages, **more}


def ask(case: Case, content: Any, own: dict[str, Any] | None = None, **more: Any) -> Any:
    return client(case, **(own or {})).messages.create(**body(case, content, **more))


def text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def plain(case: Case) -> None:
    question = case.question("plain?")
    answer = ask(case, question)
    same((text(answer), answer.stop_reason), (f"You said: {question}.", "end_turn"))
    holds(answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0, answer.usage)


def plain_async(case: Case) -> None:
    async def once() -> Any:
        async with anthropic.AsyncAnthropic(base_url=case.base, api_key=case.key, max_retries=0) as own:
            return await own.messages.create(**body(case, question))

    question = case.question("async?")
    same(text(asyncio.run(once())), f"You said: {question}.")


def turns(case: Case) -> None:
    question = case.question("and then?")
    history = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": [{"type": "text", "text": "one"}]},
        {"role": "user", "content": question},
    ]
    same(text(ask(case, history, system="Be brief.")), f"You said: {question}.")


def bearer(case: Case) -> None:
    question = case.question("as a bearer?")
    same(text(ask(case, question, {"api_key": None, "auth_token": case.key})), f"You said: {question}.")


def stream(case: Case) -> None:
    question = case.question("a stream?")
    with client(case).messages.stream(**body(case, question)) as events:
        pieces = list(events.text_stream)
        whole = events.get_final_message()
    same(("".join(pieces), text(whole)), (f"You said: {question}.",) * 2)
    same(whole.stop_reason, "end_turn")
    holds(len(pieces) > 2 and whole.usage.output_tokens > 1, whole.usage)


def raw_stream(case: Case) -> None:
    kinds = [event.type for event in ask(case, case.question("raw?"), stream=True)]
    same((kinds[0], kinds[-2], kinds[-1]), ("message_start", "message_delta", "message_stop"))


def _result(block: Any) -> dict[str, Any]:
    same(block.name, "get_weather")
    return {"type": "tool_result", "tool_use_id": block.id, "content": weather(block.input["city"])}


def _asked(block: Any) -> dict[str, Any]:
    fields = ("type", "id", "name", "input") if block.type == "tool_use" else ("type", "text")
    return {name: getattr(block, name) for name in fields}


def _tools_for(case: Case, cities: list[str], **more: Any) -> None:
    turns = [{"role": "user", "content": case.question(f"What is the weather in {' and in '.join(cities)}?")}]
    first = ask(case, turns, tools=TOOLS, **more)
    used = [block for block in first.content if block.type == "tool_use"]
    same((first.stop_reason, len(used)), ("tool_use", len(cities)))
    turns.append({"role": "assistant", "content": [_asked(block) for block in first.content]})
    turns.append({"role": "user", "content": [_result(block) for block in used]})
    second = ask(case, turns, tools=TOOLS)
    same((second.stop_reason, text(second)), ("end_turn", weather_answers(cities)))


def tools(case: Case) -> None:
    _tools_for(case, ["Paris"])


def parallel_tools(case: Case) -> None:
    _tools_for(case, ["Paris", "Rome"])


def forced_tool(case: Case) -> None:
    _tools_for(case, ["Oslo"], tool_choice=NAMED)


def one_tool(case: Case) -> None:
    question = case.question("What is the weather in Paris and in Rome, one by one?")
    answer = ask(case, question, tools=TOOLS, tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    same([block.type for block in answer.content], ["tool_use"])


def tools_stream(case: Case) -> None:
    question = case.question("Stream the weather in Paris and in Rome")
    with client(case).messages.stream(**body(case, question, tools=TOOLS)) as events:
        whole = events.get_final_message()
    told = [(block.name, block.input) for block in whole.content if block.type == "tool_use"]
    same(told, [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})])
    same(whole.stop_reason, "tool_use")


def vision(case: Case) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    answer = text(ask(case, [{"type": "text", "text": case.question("See?")}, {"type": "image", "source": source}]))
    holds(answer.endswith("I see 1 image: image/png."), answer)


def vision_url(case: Case) -> None:
    source = {"type": "url", "url": "https://pictures.example/a.png"}
    answer = text(ask(case, [{"type": "text", "text": case.question("There?")}, {"type": "image", "source": source}]))
    holds(answer.endswith("I see 1 image: url."), answer)


def document(case: Case) -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    parts = [{"type": "document", "source": source}, {"type": "text", "text": case.question("Read it.")}]
    answer = text(ask(case, parts))
    holds(answer.endswith("I see 1 document: application/pdf."), answer)


def json_schema(case: Case) -> None:
    wanted = {"output_config": {"format": {"type": "json_schema", "schema": TOWN}}}
    town = json.loads(text(ask(case, case.question("Describe 'Paris'"), extra_body=wanted)))
    same((town["city"], type(town["population"])), ("Paris", int))


def thinking(case: Case) -> None:
    question = case.question("think")
    first = ask(case, question, extra_body={"thinking": {"type": "adaptive"}})
    same([block.type for block in first.content], ["thinking", "text"])
    holds(first.content[0].signature, first.content[0])
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": first.content}]
    again = case.question("think on")
    same(text(ask(case, [*turns, {"role": "user", "content": again}])), f"You said: {again}.")


def thinking_stream(case: Case) -> None:
    asked = body(case, case.question("think aloud"), extra_body={"thinking": {"type": "adaptive"}})
    with client(case).messages.stream(**asked) as events:
        whole = events.get_final_message()
    same([block.type for block in whole.content], ["thinking", "text"])
    holds(whole.content[0].signature and whole.content[0].thinking, whole.content[0])


def cache(case: Case) -> None:
    kept = [{"type": "text", "text": case.question("a long text " * 20), "cache_control": {"type": "ephemeral"}}]
    first, second = (ask(case, case.question(f"cached {turn}"), system=kept).usage for turn in range(2))
    holds(first.cache_creation_input_tokens > 0 == first.cache_read_input_tokens, first)
    same(second.cache_read_input_tokens, first.cache_creation_input_tokens)


def length(case: Case) -> None:
    answer = ask(case, case.question("a long story"), max_tokens=3)
    same((answer.stop_reason, answer.usage.output_tokens), ("max_tokens", 3))


def stop(case: Case) -> None:
    answer = ask(case, case.question("one STOP two"), stop_sequences=["STOP"])
    same((answer.stop_reason, answer.stop_sequence), ("stop_sequence", "STOP"))


def count(case: Case) -> None:
    asked = {"model": case.model, "messages": [{"role": "user", "content": case.question("count me")}]}
    holds(client(case).messages.count_tokens(**asked).input_tokens > 5, "too few")


def bad_key(case: Case) -> None:
    raises(anthropic.AuthenticationError, lambda: ask(case, "x", {"api_key": case.bad_key}))


def _faulty(case: Case, name: str) -> Case:
    return Case(case.base, case.key, case.client, name)


def no_model(case: Case) -> None:
    error = raises(anthropic.NotFoundError, lambda: ask(_faulty(case, "no-such-model"), "x"))
    same((error.body["type"], error.body["error"]["type"]), ("error", "not_found_error"))


def bad_request(case: Case) -> None:
    empty = {**body(case, "x"), "messages": []}
    error = raises(anthropic.BadRequestError, lambda: client(case).messages.create(**empty))
    same(error.body["error"]["type"], "invalid_request_error")


def upstream_400(case: Case) -> None:
    raises(anthropic.BadRequestError, lambda: ask(_faulty(case, "claude-err-400"), case.question("400?")))


def rate_limit(case: Case) -> None:
    error = raises(anthropic.RateLimitError, lambda: ask(_faulty(case, "claude-err-429"), case.question("429?")))
    same(error.body["error"]["type"], "rate_limit_error")


def retry_after(case: Case) -> None:
    slowed = _faulty(case, "claude-err-429-after")
    error = raises(anthropic.RateLimitError, lambda: ask(slowed, case.question("429 after?")))
    holds(error.response.headers.get("retry-after"), dict(error.response.headers))


def server_error(case: Case) -> None:
    raises(anthropic.InternalServerError, lambda: ask(_faulty(case, "claude-err-500"), case.question("500?")))


def overloaded(case: Case) -> None:
    error = raises(anthropic.APIStatusError, lambda: ask(_faulty(case, "claude-err-529"), case.question("529?")))
    holds(error.status_code >= 500, error.status_code)


def timeout(case: Case) -> None:
    slow = _faulty(case, "claude-slow")
    raises(anthropic.APITimeoutError, lambda: ask(slow, case.question("slow?"), {"timeout": IMPATIENT_SECONDS}))


def retries(case: Case) -> None:
    question = case.question("again?")
    same(text(ask(_faulty(case, "claude-flaky"), question, {"max_retries": 2})), f"You said: {question}.")


def cut(case: Case) -> None:
    raises(Exception, lambda: list(ask(_faulty(case, "claude-cut"), case.question("cut?"), stream=True)))


def crossed_errors(case: Case) -> None:
    """Those of OpenAI, as this package's own."""
    kinds = {"400": anthropic.BadRequestError, "429": anthropic.RateLimitError, "500": anthropic.InternalServerError}
    for status, kind in kinds.items():
        raises(kind, lambda name=f"err-{status}": ask(_faulty(case, name), case.question(f"{name}?")))


def crossed_cut(case: Case) -> None:
    raises(anthropic.APIError, lambda: list(ask(_faulty(case, "cut"), case.question("cut there?"), stream=True)))


def crossed_retries(case: Case) -> None:
    question = case.question("again there?")
    same(text(ask(_faulty(case, "flaky"), question, {"max_retries": 2})), f"You said: {question}.")


def crossed_conversation(case: Case) -> None:
    """Three models of two providers, one after the other, in one conversation with tools."""
    turns: list[Any] = []
    for model in ("claude-haiku-5-5", "gpt-6-luna", "claude-sonnet-5-5"):
        own = _faulty(case, model)
        turns.append({"role": "user", "content": case.question(f"What is the weather in Paris, {model}?")})
        first = ask(own, turns, tools=TOOLS)
        used = [block for block in first.content if block.type == "tool_use"]
        turns.append({"role": "assistant", "content": [_asked(block) for block in first.content]})
        turns.append({"role": "user", "content": [_result(block) for block in used]})
        second = ask(own, turns, tools=TOOLS)
        same(text(second), weather_answers(["Paris"]))
        turns.append({"role": "assistant", "content": text(second)})


def models(case: Case) -> None:
    names = {model.id for model in client(case).models.list()}
    holds("claude-haiku-5-5" in names, names)


CASES = {
    act.__name__: act
    for act in (
        *(plain, plain_async, turns, bearer, stream, raw_stream, tools, parallel_tools, forced_tool, one_tool),
        *(tools_stream, vision, vision_url, document, json_schema, thinking, thinking_stream, cache, length, stop),
        *(count, bad_key, no_model, bad_request, upstream_400, rate_limit, retry_after, server_error, overloaded),
        *(timeout, retries, cut, models),
        *(crossed_errors, crossed_cut, crossed_retries, crossed_conversation),
    )
}

if __name__ == "__main__":
    name = f"anthropic-python-{anthropic.__version__.split('.')[0]}"
    tell(name, anthropic.__version__, CASES, "claude-haiku-5-5")
