"""The openai package for Python, of whatever version this interpreter finds."""

import asyncio
import json
from typing import Any

import openai
from telling import IMPATIENT_SECONDS, PICTURE, TOWN, WEATHER, Case, holds, raises, same, tell, weather, weather_answers

TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": WEATHER}}]
OWN_TOOLS = [{"type": "function", "name": "get_weather", "description": "Weather", "parameters": WEATHER}]
NAMED = {"type": "function", "function": {"name": "get_weather"}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "town", "strict": True, "schema": TOWN}}


def client(case: Case, **changes: Any) -> openai.OpenAI:
    return openai.OpenAI(**{"base_url": f"{case.base}/v1", "api_key": case.key, "max_retries": 0, **changes})


def ask(case: Case, content: Any, own: dict[str, Any] | None = None, **more: Any) -> Any:
    messages = content if isinstance(content, list) and "role" in content[0] else [{"role": "user", "content": content}]
    asked = {"model": case.model, "messages": messages, **more}
    return client(case, **(own or {})).chat.completions.create(**asked)


def plain(case: Case) -> None:
    question = case.question("plain?")
    answer = ask(case, question)
    same(answer.choices[0].message.content, f"You said: {question}.")
    same(answer.choices[0].finish_reason, "stop")
    same(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
    holds(answer.usage.completion_tokens > 0, answer.usage)


def plain_async(case: Case) -> None:
    async def once() -> Any:
        async with openai.AsyncOpenAI(base_url=f"{case.base}/v1", api_key=case.key, max_retries=0) as own:
            asked = [{"role": "user", "content": question}]
            return await own.chat.completions.create(model=case.model, messages=asked)

    question = case.question("async?")
    same(asyncio.run(once()).choices[0].message.content, f"You said: {question}.")


def turns(case: Case) -> None:
    question = case.question("and then?")
    history = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": question},
    ]
    same(ask(case, history).choices[0].message.content, f"You said: {question}.")


def stream(case: Case) -> None:
    question = case.question("a stream?")
    chunks = list(ask(case, question, stream=True))
    same("".join(each.choices[0].delta.content or "" for each in chunks if each.choices), f"You said: {question}.")
    same([each.choices[0].finish_reason for each in chunks if each.choices][-1], "stop")
    holds(not any(each.usage for each in chunks), "usage that nobody asked for")
    holds(len(chunks) > 3, len(chunks))


def stream_usage(case: Case) -> None:
    chunks = list(ask(case, case.question("count it?"), stream=True, stream_options={"include_usage": True}))
    same((chunks[-1].choices, chunks[-1].usage.completion_tokens > 0), ([], True))


def _result(call: Any) -> dict[str, Any]:
    same(call.function.name, "get_weather")
    content = weather(json.loads(call.function.arguments)["city"])
    return {"role": "tool", "tool_call_id": call.id, "content": content}


def _tools_for(case: Case, cities: list[str], **more: Any) -> None:
    turns = [{"role": "user", "content": case.question(f"What is the weather in {' and in '.join(cities)}?")}]
    first = ask(case, turns, tools=TOOLS, **more).choices[0]
    same((first.finish_reason, len(first.message.tool_calls)), ("tool_calls", len(cities)))
    results = [_result(call) for call in first.message.tool_calls]
    second = ask(case, [*turns, first.message.model_dump(exclude_none=True), *results], tools=TOOLS).choices[0]
    same((second.finish_reason, second.message.content), ("stop", weather_answers(cities)))


def tools(case: Case) -> None:
    _tools_for(case, ["Paris"])


def parallel_tools(case: Case) -> None:
    _tools_for(case, ["Paris", "Rome"])


def forced_tool(case: Case) -> None:
    _tools_for(case, ["Oslo"], tool_choice=NAMED)


def one_tool(case: Case) -> None:
    question = case.question("What is the weather in Paris and in Rome, one by one?")
    calls = ask(case, question, tools=TOOLS, parallel_tool_calls=False).choices[0].message.tool_calls
    same(len(calls), 1)


def tools_stream(case: Case) -> None:
    question = case.question("Stream the weather in Paris and in Rome")
    found: dict[int, list[str]] = {}
    reason = ""
    for chunk in ask(case, question, tools=TOOLS, stream=True):
        for call in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
            own = found.setdefault(call.index, [call.function.name or "", ""])
            own[1] += call.function.arguments or ""
        reason = (chunk.choices and chunk.choices[0].finish_reason) or reason
    told = [(name, json.loads(arguments)) for name, arguments in found.values()]
    same((told, reason), ([("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})], "tool_calls"))


def vision(case: Case) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    answer = ask(case, [{"type": "text", "text": case.question("See?")}, picture]).choices[0].message.content
    holds(answer.endswith("I see 1 image: image/png."), answer)


def vision_url(case: Case) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}
    answer = ask(case, [{"type": "text", "text": case.question("There?")}, picture]).choices[0].message.content
    holds(answer.endswith("I see 1 image: url."), answer)


def document(case: Case) -> None:
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}
    answer = ask(case, [{"type": "text", "text": case.question("Read it.")}, file]).choices[0].message.content
    holds(answer.endswith("I see 1 document: application/pdf."), answer)


def sound(case: Case) -> None:
    heard = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    answer = ask(case, [{"type": "text", "text": case.question("Hear it.")}, heard]).choices[0].message.content
    holds(answer.endswith("I see 1 audio: wav."), answer)


def json_schema(case: Case) -> None:
    answer = ask(case, case.question("Describe 'Paris'"), response_format=FORMAT).choices[0].message.content
    town = json.loads(answer)
    same((town["city"], type(town["population"])), ("Paris", int))


def json_object(case: Case) -> None:
    question = case.question("Answer in JSON with the keys 'setup' and 'end'")
    answer = ask(case, question, response_format={"type": "json_object"}).choices[0].message.content
    same(set(json.loads(answer)), {"setup", "end"})


def parse(case: Case) -> None:
    from pydantic import BaseModel

    class Town(BaseModel):
        city: str
        population: int

    asked = [{"role": "user", "content": case.question("Parse 'Rome'")}]
    completions = client(case).chat.completions
    found = completions.parse(model=case.model, messages=asked, response_format=Town).choices[0].message.parsed
    same((type(found), found.city), (Town, "Rome"))


def several(case: Case) -> None:
    same([each.index for each in ask(case, case.question("thrice"), n=3).choices], [0, 1, 2])


def length(case: Case) -> None:
    answer = ask(case, case.question("a long story"), max_completion_tokens=3)
    same((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 3))


def stop(case: Case) -> None:
    answer = ask(case, case.question("one STOP two"), stop=["STOP"]).choices[0]
    same((answer.finish_reason, "two" in answer.message.content), ("stop", False))


def logprobs(case: Case) -> None:
    choice = ask(case, case.question("how sure?"), logprobs=True, top_logprobs=1, seed=7, temperature=0).choices[0]
    holds(choice.logprobs.content[0].top_logprobs[0].logprob < 0, choice.logprobs)


def details(case: Case) -> None:
    answer = ask(case, case.question("think"), reasoning_effort="low", prompt_cache_key="x", service_tier="flex")
    counted = answer.usage.completion_tokens_details.reasoning_tokens, answer.usage.prompt_tokens_details.cached_tokens
    same((*counted, answer.service_tier), (8, 4, "flex"))


def embeddings(case: Case) -> None:
    texts = [case.question("near"), case.question("far")]
    found = client(case).embeddings.create(model="text-embedding-3-small", input=texts)
    bare = client(case).embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")
    same([len(each.embedding) for each in found.data], [1536, 1536])
    same([each.embedding for each in found.data], [each.embedding for each in bare.data])
    holds(found.usage.prompt_tokens > 0 and found.data[0].embedding != found.data[1].embedding, found.usage)


def embeddings_of_tokens(case: Case) -> None:
    found = client(case).embeddings.create(model="text-embedding-3-small", input=[[1, 2], [3]], dimensions=8)
    same([len(each.embedding) for each in found.data], [8, 8])


def responses(case: Case) -> None:
    question = case.question("respond")
    answer = client(case).responses.create(model=case.model, input=question)
    same((answer.output_text, answer.status), (f"You said: {question}.", "completed"))
    holds(answer.usage.output_tokens > 0, answer.usage)


def responses_stream(case: Case) -> None:
    question = case.question("respond bit by bit")
    events = list(client(case).responses.create(model=case.model, input=question, stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    same((text, events[0].type), (f"You said: {question}.", "response.created"))
    same((events[-1].type, events[-1].response.output_text), ("response.completed", text))


def responses_tools(case: Case) -> None:
    items: list[Any] = [{"role": "user", "content": case.question("What is the weather in Paris?")}]
    own = client(case).responses
    first = own.create(model=case.model, input=items, tools=OWN_TOOLS)
    call = next(item for item in first.output if item.type == "function_call")
    same(json.loads(call.arguments), {"city": "Paris"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": weather("Paris")}
    asked = call.model_dump(include={"type", "call_id", "name", "arguments"})
    second = own.create(model=case.model, input=[*items, asked, result], tools=OWN_TOOLS)
    same(second.output_text, weather_answers(["Paris"]))


def responses_vision(case: Case) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}", "detail": "auto"}
    content = [{"type": "input_text", "text": case.question("See?")}, picture]
    answer = client(case).responses.create(model=case.model, input=[{"role": "user", "content": content}])
    holds(answer.output_text.endswith("I see 1 image: image/png."), answer.output_text)


def responses_schema(case: Case) -> None:
    wanted = {"format": {"type": "json_schema", "name": "town", "strict": True, "schema": TOWN}}
    answer = client(case).responses.create(model=case.model, input=case.question("Describe 'Oslo'"), text=wanted)
    same(json.loads(answer.output_text)["city"], "Oslo")


def bad_key(case: Case) -> None:
    raises(openai.AuthenticationError, lambda: ask(case, "x", {"api_key": case.bad_key}))


def no_model(case: Case) -> None:
    wrong = Case(case.base, case.key, case.client, "no-such-model")
    same(raises(openai.NotFoundError, lambda: ask(wrong, "x")).code, "model_not_found")


def bad_request(case: Case) -> None:
    raises(openai.BadRequestError, lambda: client(case).chat.completions.create(model=case.model, messages=[]))


def _faulty(case: Case, name: str) -> Case:
    return Case(case.base, case.key, case.client, name)


def upstream_400(case: Case) -> None:
    raises(openai.BadRequestError, lambda: ask(_faulty(case, "err-400"), case.question("400?")))


def rate_limit(case: Case) -> None:
    raises(openai.RateLimitError, lambda: ask(_faulty(case, "err-429"), case.question("429?")))


def retry_after(case: Case) -> None:
    error = raises(openai.RateLimitError, lambda: ask(_faulty(case, "err-429-after"), case.question("429 after?")))
    holds(error.response.headers.get("retry-after"), dict(error.response.headers))


def server_error(case: Case) -> None:
    raises(openai.InternalServerError, lambda: ask(_faulty(case, "err-500"), case.question("500?")))


def timeout(case: Case) -> None:
    slow = _faulty(case, "slow")
    raises(openai.APITimeoutError, lambda: ask(slow, case.question("slow?"), {"timeout": IMPATIENT_SECONDS}))


def retries(case: Case) -> None:
    question = case.question("again?")
    answer = ask(_faulty(case, "flaky"), question, {"max_retries": 2})
    same(answer.choices[0].message.content, f"You said: {question}.")


def cut(case: Case) -> None:
    raises(Exception, lambda: list(ask(_faulty(case, "cut"), case.question("cut?"), stream=True)))


def crossed_errors(case: Case) -> None:
    """Those of Anthropic, as this package's own."""
    kinds = {"400": openai.BadRequestError, "429": openai.RateLimitError, "500": openai.InternalServerError}
    for status, kind in kinds.items():
        raises(kind, lambda name=f"claude-err-{status}": ask(_faulty(case, name), case.question(f"{name}?")))


def crossed_cut(case: Case) -> None:
    raises(openai.APIError, lambda: list(ask(_faulty(case, "claude-cut"), case.question("cut there?"), stream=True)))


def crossed_retries(case: Case) -> None:
    question = case.question("again there?")
    answer = ask(_faulty(case, "claude-flaky"), question, {"max_retries": 2})
    same(answer.choices[0].message.content, f"You said: {question}.")


def crossed_conversation(case: Case) -> None:
    """Three models of two providers, one after the other, in one conversation with tools."""
    turns: list[Any] = [{"role": "system", "content": "Be brief."}]
    for model in ("gpt-6-luna", "claude-haiku-5-5", "gpt-4o"):
        own = _faulty(case, model)
        turns.append({"role": "user", "content": case.question(f"What is the weather in Paris, {model}?")})
        first = ask(own, turns, tools=TOOLS).choices[0].message
        turns += [first.model_dump(exclude_none=True), *(_result(call) for call in first.tool_calls)]
        second = ask(own, turns, tools=TOOLS).choices[0].message
        same(second.content, weather_answers(["Paris"]))
        turns.append({"role": "assistant", "content": second.content})


def models(case: Case) -> None:
    names = {model.id for model in client(case).models.list()}
    holds({"gpt-6-luna", "claude-haiku-5-5"} <= names, names)


CASES = {
    act.__name__: act
    for act in (
        *(plain, plain_async, turns, stream, stream_usage, tools, parallel_tools, forced_tool, one_tool, tools_stream),
        *(vision, vision_url, document, json_schema, json_object, parse, several, length, details),
        *(
            embeddings,
            embeddings_of_tokens,
            responses,
            responses_stream,
            responses_tools,
            responses_vision,
            responses_schema,
        ),
        *(bad_key, no_model, bad_request, upstream_400, rate_limit, retry_after, server_error),
        *(timeout, retries, cut, models),
        *(crossed_errors, crossed_cut, crossed_retries, crossed_conversation),
    )
}
# not of reasoning models
OLD_CASES = {act.__name__: lambda case, act=act: act(_faulty(case, "gpt-4o")) for act in (stop, logprobs)}
SOUND = {"sound": lambda case: sound(_faulty(case, "gpt-audio-1.5"))}

if __name__ == "__main__":
    name = f"openai-python-{openai.__version__.split('.')[0]}"
    tell(name, openai.__version__, {**CASES, **OLD_CASES, **SOUND}, "gpt-6-luna")
