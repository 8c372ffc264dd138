"""The kind of a task, told from how a request reads."""

import time
from collections import Counter
from dataclasses import replace

import pytest

from inference import catalog as catalogs
from inference.domain import RoutingMode
from inference.routing.router import Router
from inference.routing.task_words import TASKS
from inference.routing.tasks import GENERAL, Correction, Detected, detect
from tests.inference.kit import ADA, MODELS, Kit, ask
from tests.inference.routing.task_prompts import HELD_OUT, PROMPTS, TUNED, said

_UNCLEAR = said("bees and the sea")


def _f1(task: str, pairs: Counter[tuple[str, str]]) -> float:
    right = pairs[task, task]
    wrong = sum(count for (meant, found), count in pairs.items() if (meant == task) != (found == task))
    return 2 * right / (2 * right + wrong)


def test_every_task_has_prompts():
    assert set(PROMPTS) == set(TASKS)
    assert len(TUNED) + len(HELD_OUT) >= 200


@pytest.mark.parametrize("labelled", [TUNED, HELD_OUT], ids=["tuned", "held out"])
def test_most_prompts_are_taken_for_what_they_are(labelled):
    pairs = Counter((task, detect(body).task_type) for task, body in labelled)

    scores = {task: _f1(task, pairs) for task in TASKS}

    assert sum(scores.values()) / len(scores) >= 0.9, scores
    assert min(scores.values()) >= 0.75, scores


def test_what_says_nothing_is_general_and_little_trusted():
    found = detect(_UNCLEAR)

    assert found.task_type == GENERAL
    assert found.confidence < 0.5


@pytest.mark.parametrize(
    "messages",
    [[], [{"role": "user"}], [{"role": "user", "content": None}], [{"role": "user", "content": [{"type": "text"}]}]],
)
def test_a_request_without_words_is_general(messages):
    assert detect({"messages": messages}).task_type == GENERAL


def test_the_same_request_is_always_the_same_task():
    assert {detect(body) for _ in range(3) for body in [said("Translate to Dutch: a red door")]} == {
        detect(said("Translate to Dutch: a red door"))
    }


def test_tools_make_a_request_agentic_unless_they_may_not_be_used():
    tools = [{"type": "function", "function": {"name": "search"}}]

    assert detect(said("Where is my parcel", tools=tools)).task_type == "agentic"
    assert detect(said("Where is my parcel", tools=tools, tool_choice="none")).task_type != "agentic"


def test_what_an_application_says_first_counts_too():
    told = [{"role": "system", "content": "Translate everything into Finnish."}, {"role": "user", "content": "A boat"}]

    assert detect({"messages": told}).task_type == "translation"


def test_the_last_turn_decides():
    turns = [
        {"role": "user", "content": "Summarize this article: ..."},
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "Translate it to French"},
    ]

    assert detect({"messages": turns}).task_type == "translation"


def test_corrections_move_close_calls():
    corrections = [Correction(said=GENERAL, meant="writing", count=40)]

    assert detect(_UNCLEAR, corrections=corrections).task_type == "writing"


def test_corrections_leave_clear_cases_alone():
    clear = said("Translate to French: Where is the nearest pharmacy?")
    corrections = [Correction(said="translation", meant="writing", count=1_000_000)]

    assert detect(clear, corrections=corrections).task_type == "translation"


def test_corrections_to_unknown_tasks_are_let_be():
    assert detect(_UNCLEAR, corrections=[Correction(GENERAL, "juggling", 9)]) == detect(_UNCLEAR)


def test_a_long_request_takes_no_longer_than_what_is_read_of_it():
    long = said("Summarize this: " + 'word = (x) 12 + 3 "quoted" ' * 50_000)
    began = time.perf_counter()

    for _ in range(20):
        detect(long)

    assert (time.perf_counter() - began) / 20 < 0.01


@pytest.fixture(scope="module")
def router() -> Router:
    here = [model for model in catalogs.load(MODELS, {}, mock=True).models if model.name != "far-away"]
    return Router(catalogs.Catalog(here, is_simulated=True), default_quality_threshold=3.5)


def test_code_goes_to_a_model_that_is_good_at_it(router):
    plain = router.route(ask("What is the capital of Mongolia?", model="auto"))
    code = router.route(ask("Write a Python function that sorts a list", model="auto"))

    assert (plain.task_type, code.task_type) == ("question_answering", "code")
    assert code.model.name == "mock-large"  # mock-medium is bad at code
    assert 0.5 < code.confidence <= 1


def test_a_named_task_wins(router):
    route = router.route(ask("Write a Python function", model="auto", acron={"task_type": "poetry"}))

    assert (route.task_type, route.confidence) == ("poetry", 1.0)


def test_a_request_that_names_its_model_is_not_looked_at(router):
    asked = ask("Write a Python function")

    assert router.route(asked).task_type == GENERAL
    assert asked.mode is RoutingMode.EXPLICIT
    assert not asked.noted


def test_a_request_is_looked_at_once(router):
    asked = ask("Write a Python function", model="auto")
    asked.noted["task"] = Detected("writing", 0.7)

    route = router.route(replace(asked, stream=True))

    assert (route.task_type, route.confidence) == ("writing", 0.7)


async def test_the_ledger_says_what_was_detected():
    kit = Kit(mock=True)

    answer = await kit.answer(ADA, ask("Translate to French: a red door", model="auto"))

    assert answer.facts.task_type == kit.ledger.last.task_type == "translation"
