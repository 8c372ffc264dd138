"""Instructor, which wants typed answers of the openai and the anthropic package."""

from importlib.metadata import version
from typing import Any

import anthropic
import instructor
import openai
from instructor.core.exceptions import InstructorRetryException
from pydantic import BaseModel
from telling import Case, raises, same, tell


class Town(BaseModel):
    """A town."""

    city: str
    population: int


def of_openai(case: Case, mode: instructor.Mode, **more: Any) -> Any:
    own = openai.OpenAI(**{"base_url": f"{case.base}/v1", "api_key": case.key, "max_retries": 0, **more})
    return instructor.from_openai(own, mode=mode)


def _typed(own: Any, case: Case, **more: Any) -> None:
    asked = [{"role": "user", "content": case.question(f"Describe 'Oslo' for {own.mode}")}]
    asked_for = {"model": case.model, "messages": asked, "response_model": Town, "max_retries": 0, **more}
    found = own.chat.completions.create(**asked_for)
    same((isinstance(found, Town), found.city), (True, "Oslo"))


def tools(case: Case) -> None:
    _typed(of_openai(case, instructor.Mode.TOOLS), case)


def json_schema(case: Case) -> None:
    _typed(of_openai(case, instructor.Mode.JSON_SCHEMA), case)


def stream(case: Case) -> None:
    own = of_openai(case, instructor.Mode.TOOLS)
    asked = [{"role": "user", "content": case.question("Describe 'Rome' bit by bit")}]
    *_, last = own.chat.completions.create_partial(model=case.model, messages=asked, response_model=Town)
    same(last.city, "Rome")


def anthropic_tools(case: Case) -> None:
    own = instructor.from_anthropic(anthropic.Anthropic(base_url=case.base, api_key=case.key, max_retries=0))
    _typed(own, Case(case.base, case.key, case.client, "claude-haiku-5-5"), max_tokens=1024)


def bad_key(case: Case) -> None:
    def ask() -> Any:
        return _typed(of_openai(case, instructor.Mode.TOOLS, api_key=case.bad_key), case)

    raises((openai.AuthenticationError, InstructorRetryException), ask)


CASES = {act.__name__: act for act in (tools, json_schema, stream, anthropic_tools, bad_key)}

if __name__ == "__main__":
    tell("instructor", version("instructor"), CASES, "gpt-6-luna")
