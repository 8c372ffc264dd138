"""LlamaIndex's language model for OpenAI."""

from importlib.metadata import version
from typing import Any

import openai
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI
from pydantic import BaseModel
from telling import IMPATIENT_SECONDS, PICTURE, Case, holds, raises, same, tell, weather, weather_answers


class Town(BaseModel):
    """A town."""

    city: str
    population: int


def model(case: Case, **more: Any) -> OpenAI:
    asked = {"api_base": f"{case.base}/v1", "api_key": case.key, "model": case.model, "max_retries": 0, **more}
    return OpenAI(**asked)


def plain(case: Case) -> None:
    question = case.question("plain?")
    same(model(case).chat([ChatMessage(role="user", content=question)]).message.content, f"You said: {question}.")


def complete(case: Case) -> None:
    question = case.question("complete")
    same(model(case).complete(question).text, f"You said: {question}.")


def stream(case: Case) -> None:
    question = case.question("a stream?")
    pieces = [each.delta or "" for each in model(case).stream_chat([ChatMessage(role="user", content=question)])]
    same("".join(pieces), f"You said: {question}.")


def tools(case: Case) -> None:
    def get_weather(city: str) -> str:
        """Tells the weather of a city."""
        return weather(city)

    own, offered = model(case), [FunctionTool.from_defaults(get_weather)]
    history = [ChatMessage(role="user", content=case.question("What is the weather in Paris?"))]
    first = own.chat_with_tools(offered, chat_history=history)
    calls = own.get_tool_calls_from_response(first)
    same([call.tool_kwargs for call in calls], [{"city": "Paris"}])
    results = [
        ChatMessage(
            role="tool", content=get_weather(**call.tool_kwargs), additional_kwargs={"tool_call_id": call.tool_id}
        )
        for call in calls
    ]
    second = own.chat_with_tools(offered, chat_history=[*history, first.message, *results])
    same(second.message.content, weather_answers(["Paris"]))


def vision(case: Case) -> None:
    picture = ImageBlock(url=f"data:image/png;base64,{PICTURE}")
    blocks = [TextBlock(text=case.question("See?")), picture]
    answer = model(case).chat([ChatMessage(role="user", blocks=blocks)]).message.content
    holds("I see 1 image: image/png." in answer, answer)


def json_schema(case: Case) -> None:
    asked = [ChatMessage(role="user", content=case.question("Describe 'Oslo'"))]
    found = model(case).as_structured_llm(Town).chat(asked).raw
    same((type(found), found.city), (Town, "Oslo"))


def bad_key(case: Case) -> None:
    raises(openai.AuthenticationError, lambda: model(case, api_key=case.bad_key).complete("x"))


def timeout(case: Case) -> None:
    # the framework knows models by name, so a slow one has to be called by one that it does not look up
    slow = model(case, timeout=IMPATIENT_SECONDS)
    raises(openai.APITimeoutError, lambda: slow.chat([ChatMessage(role="user", content="slow?")], model="slow"))


CASES = {act.__name__: act for act in (plain, complete, stream, tools, vision, json_schema, bad_key, timeout)}

if __name__ == "__main__":
    tell("llama-index", version("llama-index-llms-openai"), CASES, "gpt-4o")
