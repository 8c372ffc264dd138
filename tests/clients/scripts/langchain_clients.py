"""LangChain's chat models and embeddings for OpenAI and Anthropic."""

from typing import Any

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from telling import IMPATIENT_SECONDS, PICTURE, Case, holds, raises, same, tell, weather, weather_answers


@tool
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    return weather(city)


class Town(BaseModel):
    """A town."""

    city: str
    population: int


def of_openai(case: Case, **more: Any) -> ChatOpenAI:
    asked = {"base_url": f"{case.base}/v1", "api_key": case.key, "model": case.model, "max_retries": 0, **more}
    return ChatOpenAI(**asked)


def of_anthropic(case: Case, **more: Any) -> ChatAnthropic:
    own_model = "claude-haiku-5-5" if case.model == MODEL else case.model
    asked = {"base_url": case.base, "api_key": case.key, "model": own_model, "max_retries": 0, **more}
    return ChatAnthropic(**asked)


def _plain(chat: Any, case: Case) -> None:
    question = case.question(f"plain through {type(chat).__name__}?")
    answer = chat.invoke(question)
    same(answer.text, f"You said: {question}.")
    holds(answer.usage_metadata["output_tokens"] > 0, answer.usage_metadata)


def _stream(chat: Any, case: Case) -> None:
    question = case.question(f"a stream through {type(chat).__name__}?")
    chunks = list(chat.stream(question))
    whole = sum(chunks[1:], chunks[0])
    holds(isinstance(whole, AIMessageChunk) and len(chunks) > 3, len(chunks))
    same(whole.text, f"You said: {question}.")
    holds((whole.usage_metadata or {}).get("output_tokens"), whole.usage_metadata)


def _tools(chat: Any, case: Case) -> None:
    question = case.question(f"What is the weather in Paris and in Rome, {type(chat).__name__}?")
    bound = chat.bind_tools([get_weather])
    history: list[BaseMessage] = [HumanMessage(question)]
    history.append(first := bound.invoke(history))
    same([call["args"] for call in first.tool_calls], [{"city": "Paris"}, {"city": "Rome"}])
    history += [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in first.tool_calls]
    same(bound.invoke(history).text, weather_answers(["Paris", "Rome"]))


def _json_schema(chat: Any, case: Case, method: str) -> None:
    found = chat.with_structured_output(Town, method=method).invoke(case.question(f"Describe 'Oslo' by {method}"))
    same((type(found), found.city), (Town, "Oslo"))


def _vision(chat: Any, case: Case) -> None:
    picture = {"type": "image", "base64": PICTURE, "mime_type": "image/png"}
    asked = HumanMessage([{"type": "text", "text": case.question(f"See, {type(chat).__name__}?")}, picture])
    holds("I see 1 image: image/png." in (answer := chat.invoke([asked]).text), answer)


def embeddings(case: Case) -> None:
    # texts as they are: it would fetch a tokenizer from the network to send tokens
    own = OpenAIEmbeddings(
        base_url=f"{case.base}/v1",
        api_key=case.key,
        model="text-embedding-3-small",
        max_retries=0,
        check_embedding_ctx_length=False,
    )
    found = own.embed_documents([case.question("one"), case.question("two")])
    same([len(each) for each in found], [1536, 1536])


def responses(case: Case) -> None:
    question = case.question("by responses?")
    chat = of_openai(case, use_responses_api=True)
    same(chat.invoke(question).text, f"You said: {question}.")
    same("".join(chunk.text for chunk in chat.stream(question + "!")), f"You said: {question}!.")


def bad_key(case: Case) -> None:
    raises(openai.AuthenticationError, lambda: of_openai(case, api_key=case.bad_key).invoke("x"))
    raises(anthropic.AuthenticationError, lambda: of_anthropic(case, api_key=case.bad_key).invoke("x"))


def no_model(case: Case) -> None:
    raises(openai.NotFoundError, lambda: of_openai(case, model="no-such-model").invoke("x"))


def timeout(case: Case) -> None:
    chat = of_openai(case, model="slow", timeout=IMPATIENT_SECONDS)
    raises(openai.APITimeoutError, lambda: chat.invoke(case.question("slow?")))


def retries(case: Case) -> None:
    question = case.question("again?")
    same(of_openai(case, model="flaky", max_retries=2).invoke(question).text, f"You said: {question}.")


MODEL = "gpt-6-luna"
CASES: dict[str, Any] = {
    "plain": lambda case: _plain(of_openai(case), case),
    "stream": lambda case: _stream(of_openai(case, stream_usage=True), case),
    "tools": lambda case: _tools(of_openai(case), case),
    "vision": lambda case: _vision(of_openai(case), case),
    "json_schema": lambda case: _json_schema(of_openai(case), case, "json_schema"),
    "function_calling": lambda case: _json_schema(of_openai(case), case, "function_calling"),
    "anthropic_plain": lambda case: _plain(of_anthropic(case), case),
    "anthropic_stream": lambda case: _stream(of_anthropic(case), case),
    "anthropic_tools": lambda case: _tools(of_anthropic(case), case),
    "anthropic_vision": lambda case: _vision(of_anthropic(case), case),
    "anthropic_json_schema": lambda case: _json_schema(of_anthropic(case), case, "function_calling"),
    **{act.__name__: act for act in (embeddings, responses, bad_key, no_model, timeout, retries)},
}

if __name__ == "__main__":
    from importlib.metadata import version

    tell("langchain", f"{version('langchain-openai')}/{version('langchain-anthropic')}", CASES, MODEL)
