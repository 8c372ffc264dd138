"""Prompts that are parted, and the many that are left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.workflows import graph, splitter
from inference.workflows.graph import Step, Workflow

PARTED = {
    "1. What is rain?\n2. Who was Faust?\n3. How do bees see?": ["What is rain?", "Who was Faust?", "How do bees see?"],
    "Please answer these questions: 1) What is rain? 2) Who was Faust?": [
        "Please answer these questions: What is rain?",
        "Please answer these questions: Who was Faust?",
    ],
    "We sell bread in Lyon.\n\nAnswer these questions:\n\n- What is sourdough?\n- How do bakers set prices?": [
        "We sell bread in Lyon.\n\nAnswer these questions:\n\nWhat is sourdough?",
        "We sell bread in Lyon.\n\nAnswer these questions:\n\nHow do bakers set prices?",
    ],
    "What is rain?\nWho was Faust?": ["What is rain?", "Who was Faust?"],
    'Do these tasks:\n1. Translate "1. Who? 2. Why?" to French\n2. Name a river': [
        'Do these tasks:\nTranslate "1. Who? 2. Why?" to French',
        "Do these tasks:\nName a river",
    ],
    "First list three planets, then write a poem about the result.": [
        "list three planets",
        "write a poem about the result.\n\nThis came out of the step before:\n\n<list three planets>",
    ],
    "1. What does {{a}} mean?\n2. What does \\{{b}} mean?": ["What does {{a}} mean?", "What does \\{{b}} mean?"],
}


@pytest.mark.parametrize(("text", "prompts"), PARTED.items())
def test_questions_of_their_own_are_asked_on_their_own(text, prompts):
    workflow = Workflow(tuple(Step(part.id, (part.text,)) for part in splitter.split(text)))

    sent: dict[str, str] = {}
    for wave in workflow.waves:
        sent |= {step.id: graph.filled(step, {name: f"<{sent[name]}>" for name in sent})[0] for step in wave}

    assert list(sent.values()) == prompts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What is rain?",
        "What is rain? And who was Faust?",
        "1. What is the capital of France?\n2. What is its population?",
        "1. Who was Goethe?\n2. Which plays did he write?",
        "Which of the following is true?\n1. What is rain?\n2. Who was Faust?",
        "Compare:\n1. What is rain?\n2. What is snow?",
        "Write one paragraph that answers these questions:\n1. What is rain?\n2. What is snow?",
        "1. eggs\n2. flour\n3. milk",
        "Rules:\n- Write in French\n- Name no names",
        "Here is a list.\n- Write in French\n- Explain your thoughts",
        "1. What is rain?\n3. Who was Faust?",
        "1. What is rain?\n2. Who was Faust?\n\nThen compare both answers.",
        "1. What is rain?\n2. Explain question 1 to a child",
        "```\n1. What is rain?\n2. Who was Faust?\n```",
        "Fix my list: '1. What is rain?\n2. Who was Faust?'",
        '"1. What is rain?\n2. Who was Faust?"',
        '{"questions": "\n1. What is rain?\n2. Who was Faust?\n"}',
        "> 1. What is rain?\n> 2. Who was Faust?",
        "    1. What is rain?\n    2. Who was Faust?",
        "<list>\n1. What is rain?\n2. Who was Faust?\n</list>",
        'He said "well:\n1. What is rain?\n2. Who was Faust?',
        "Why is 1) the sky blue and 2) grass green?",
        "First list three planets. Then write a poem about the sea.",
        "Tell me what came first, then sort the result.",
        "\n".join(f"{n}. What is rain?" for n in range(1, 25)),
    ],
)
def test_in_doubt_a_prompt_stays_whole(text):
    assert splitter.split(text) == ()


PIECES = st.sampled_from(
    [
        *("1. ", "2. ", "3) ", "- ", "\n", "\n\n", "What is rain?", "Who was Faust?", "Name a river", " ", "{{a}}"),
        *('"', "```", "`", "{", "}", "[", "]", "First ", ", then ", "use the result", "Answer these questions:", "'"),
        *("1) What is rain? ", "2) Who was Faust?", "its", "\\"),
    ]
)
texts = st.lists(PIECES, max_size=14).map("".join)


@settings(max_examples=300, deadline=None)
@given(text=texts)
def test_no_text_is_lost(text):
    for found in (splitter.cut(text), splitter.cut_clauses(text)):
        if found is not None:
            assert found.whole == text
            assert len(found.parts) >= 2
            assert all(part.startswith(mark) for mark, part in zip(found.marks, found.parts, strict=True))


@settings(max_examples=200, deadline=None)
@given(text=texts, closed=st.sampled_from(['"%s"', "```\n%s\n```", "{%s}", "[%s]", "“%s”"]))
def test_what_is_closed_stays_in_one_piece(text, closed):
    inner = closed % "1. What is rain?\n2. Who was Faust?"
    whole = f"{text}\n{inner}"

    for found in (splitter.cut(whole), splitter.cut_clauses(whole)):
        assert found is None or sum(inner in part for part in (found.preamble, *found.parts)) == 1


@pytest.mark.parametrize("text", ["[" * 20_000, "“" * 20_000, ", " * 10_000, "`" * 20_000, "1. " * 6_000, "x" * 10**6])
def test_hostile_texts_are_left_alone(text):
    assert splitter.split(f"First {text}") == ()
