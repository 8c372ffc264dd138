"""`"workflow": "auto"` at the door: prompts that are parted, asked side by side and joined."""

from tests.inference.script import refused
from tests.inference.workflows.kit import chat, infer, states


async def test_auto_parts_a_prompt_and_joins_the_answers(kit, writer):
    body = {"model_override": "mock-small", "prompt": "1. What is rain?\n2. Who was Faust?", "workflow": "auto"}

    answer = await infer(kit, body)

    assert sorted(writer.asked) == ["What is rain?", "Who was Faust?"]
    assert answer.json()["response"] == "1. <What is rain?>\n\n2. <Who was Faust?>"
    assert [each["id"] for each in answer.json()["steps"]] == ["part1", "part2"]


async def test_auto_in_chat_completions_is_one_completion(kit):
    asked = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "- What is rain?\n- Who was Faust?"},
    ]

    answer = await chat(kit, {"model": "mock-small", "messages": asked, "acron": {"workflow": "auto"}})

    choice = answer.json()["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "- <What is rain?>\n\n- <Who was Faust?>"}
    assert answer.json()["usage"]["total_tokens"] == 40


async def test_auto_fails_with_the_part_that_failed_and_keeps_the_others(kit, writer):
    writer.scenes["Faust"] = refused(400, "no")
    body = {"model_override": "mock-small", "prompt": "1. What is rain?\n2. Who was Faust?", "workflow": "auto"}

    answer = await infer(kit, body)

    assert answer.status == 400
    assert states(answer) == {"part1": "ok", "part2": "failed"}


async def test_auto_leaves_one_question_as_it_is(kit, writer):
    answer = await infer(kit, {"model_override": "mock-small", "prompt": "What is rain?", "workflow": "auto"})

    assert writer.asked == ["What is rain?"]
    assert answer.json()["steps"] == []
