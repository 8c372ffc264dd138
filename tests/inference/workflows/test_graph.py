"""A workflow is refused with what to change, filled in once, and planned step by step."""

import time

import pytest

from acron_site.lib.errors import AcronError, InvalidRequestError, RequestTooLargeError
from inference.workflows import graph
from inference.workflows.graph import Step, Workflow


def workflow(*, output: str = "", **texts: str) -> Workflow:
    return Workflow(tuple(Step(name, (text,)) for name, text in texts.items()), output)


def names(steps) -> list[str]:
    return [step.id for step in steps]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Workflow(()), "1 to 100 steps"),
        (lambda: Workflow(tuple(Step(f"s{number}", ("x",)) for number in range(101))), "has 101"),
        (lambda: Workflow((Step("a", ("x",)), Step("a", ("y",)))), "two steps are called 'a'"),
        (lambda: Workflow((Step("", ("x",)),)), "cannot be the id"),
        (lambda: Workflow((Step("a b", ("x",)),)), "cannot be the id"),
        (lambda: Workflow((Step("a\n", ("x",)),)), "cannot be the id"),
        (lambda: Workflow((Step("x" * 65, ("x",)),)), "cannot be the id"),
        (lambda: Workflow((Step("a", ("x",), depends_on=("b",)),)), "waits for 'b', which is no step; the steps are a"),
        (lambda: workflow(a="see {{other}}"), r"no step; the steps are a. Write \{{other}} for braces"),
        (lambda: workflow(a="x", output="b"), "there is no step 'b' to be the output"),
        (lambda: workflow(a="{{a}}"), "a -> a;"),
        (lambda: workflow(a="{{c}}", b="{{a}}", c="{{b}}", d="{{a}}"), "a -> c -> b -> a;"),
        (lambda: workflow(d="{{a}}", a="{{b}}", b="{{a}}"), "a -> b -> a;"),
        (lambda: Workflow((Step("a", ("x",), tags=frozenset({"\n"})),)), "printable"),
        (lambda: Workflow((Step("a", ("x" * 500_000, "x" * 500_001)),)), "1,000,001 characters"),
    ],
)
def test_what_is_no_workflow_is_refused_with_what_to_change(make, said):
    with pytest.raises(AcronError) as refused:
        make()

    assert said in refused.value.message
    assert refused.value.status in {400, 413}
    assert refused.value.param is not None


def test_a_large_circle_is_shown_in_part():
    circle = {f"s{number}": f"{{{{s{(number + 1) % 100}}}}}" for number in range(100)}

    with pytest.raises(InvalidRequestError) as refused:
        workflow(**circle)

    assert "s0 -> s1 -> " in refused.value.message
    assert "... -> s0" in refused.value.message
    assert len(refused.value.message) < 200


def test_steps_run_in_waves_whatever_order_they_are_written_in():
    flow = workflow(last="{{left}} {{right}}", left="{{first}}", right="{{first}}", first="x")

    assert [names(wave) for wave in flow.waves] == [["first"], ["left", "right"], ["last"]]


def test_a_step_waits_for_what_it_names_and_for_what_it_only_depends_on():
    flow = Workflow((Step("a", ("x",)), Step("b", ("x",)), Step("c", ("{{a}} {{a}}",), depends_on=("b", "a"))))

    assert flow.waits_for["c"] == ("b", "a")


def test_the_answer_is_the_last_steps_unless_another_is_named():
    assert workflow(a="x", b="y").answer_id == "b"
    assert workflow(a="x", b="y", output="a").answer_id == "a"


def test_the_plan_names_what_can_go_on_and_what_has_to_wait():
    flow = workflow(a="x", b="{{a}}", c="{{b}}", d="y")

    first = graph.plan(flow, {})
    second = graph.plan(flow, {"a": "1"})
    last = graph.plan(flow, {"a": "1", "b": "2", "c": "3", "d": "4"})

    assert (names(first.ready), names(first.waiting)) == (["a", "d"], ["b", "c"])
    assert (names(second.ready), names(second.waiting)) == (["b", "d"], ["c"])
    assert not first.is_done
    assert last.is_done


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{a}}", "ONE"),
        ("{{ a }}{{\ta}}", "ONEONE"),
        ('{"x": {{a}}}', '{"x": ONE}'),
        ("{{{a}}}", "{ONE}"),
        (r"\{{a}}", "{{a}}"),
        (r"\\{{a}}", r"\ONE"),
        (r"\\\{{a}}", r"\{{a}}"),
        (r"a\b \n", r"a\b \n"),
        ("{{ user.name }} {{#if}} {{}} {{a b}} {a}", "{{ user.name }} {{#if}} {{}} {{a b}} {a}"),
        ("{{\na}}", "{{\na}}"),
    ],
)
def test_references_are_filled_in_and_other_braces_stay(text, filled):
    assert graph.filled(Step("b", (text,)), {"a": "ONE"}) == (filled,)


@pytest.mark.parametrize("output", ["{{b}}", r"\{{b}}", r"\1 \g<0>", "{{", "\\"])
def test_an_output_is_never_read_for_references(output):
    step = Step("c", ("{{a}}b}} {{a}}",))

    assert graph.filled(step, {"a": output, "b": "our secret plan"}) == (f"{output}b}}}} {output}",)


def test_an_output_that_is_named_often_does_not_fill_the_memory():
    step = Step("b", ("{{a}}" * 100_000,))

    with pytest.raises(RequestTooLargeError, match="let an earlier step shorten them"):
        graph.filled(step, {"a": "x" * 1_000_000})


@pytest.mark.parametrize("text", ["\\" * 1_000_000, "{" * 1_000_000, "{{" + " " * 999_000, "{{a" * 300_000])
def test_no_text_takes_long_to_read(text):
    started = time.process_time()

    workflow(a=text)

    assert time.process_time() - started < 2
