"""Run again, a workflow computes what has changed and what came of it, and finds the rest."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.encryption import cipher_from
from caching import steps
from caching.backends.memory import MemoryStore
from caching.backends.memory_generations import MemoryGenerations
from caching.protocols import Namespace
from caching.step_store import StepCache
from caching.steps import Recipe, Snapshot
from inference.workflows import graph
from inference.workflows.graph import Step, Workflow

ADA = Namespace(UUID(int=0xADA))
SECRET = b"secret"
Writer = Callable[[tuple[str, ...]], str]


def told_apart(texts: tuple[str, ...]) -> str:
    """An output that differs as soon as an input does."""
    return f"<{'|'.join(texts)}>" if len(str(texts)) < 200 else f"<{hash(texts)}>"


@dataclass
class Runner:
    """Runs workflows as simply as can be: wave by wave, each step looked up before it is computed."""

    write: Writer = told_apart
    computed: list[str] = field(default_factory=list)
    cache: StepCache = field(
        default_factory=lambda: StepCache(
            MemoryStore(10_000_000),
            MemoryGenerations(),
            cipher=cipher_from(""),
            secret=SECRET,
            clock=lambda: 0.0,
            max_entry_bytes=100_000,
        )
    )

    async def run(self, workflow: Workflow) -> tuple[dict[str, str], set[str]]:
        """The outputs, and the steps that were computed for them."""
        outputs: dict[str, str] = {}
        snapshots: dict[str, Snapshot] = {}
        self.computed = []
        while not (plan := graph.plan(workflow, outputs)).is_done:
            for step in plan.ready:
                after = [snapshots[name] for name in workflow.waits_for[step.id]]
                outputs[step.id], snapshots[step.id] = await self._output(step, graph.filled(step, outputs), after)
        return outputs, set(self.computed)

    async def _output(self, step: Step, texts: tuple[str, ...], after: list[Snapshot]) -> tuple[str, Snapshot]:
        key = steps.step_key(ADA, Recipe(orjson.dumps(texts), "gpt", b"{}"), secret=SECRET)
        found = await self.cache.look_up(ADA, key, tags=step.tags, after=after)
        if found is not None:
            return found.body.decode(), found.snapshot
        snapshot = await self.cache.begin(ADA, tags=step.tags, after=after)
        output = self.write(texts)
        self.computed.append(step.id)
        self.cache.keep(ADA, key, snapshot=snapshot, note=b"", body=output.encode(), ttl_seconds=60)
        return output, snapshot


def downstream(workflow: Workflow, first: set[str]) -> set[str]:
    """Those steps, and all that wait for one of them."""
    reached = set(first)
    for wave in workflow.waves:
        reached |= {step.id for step in wave if reached & set(workflow.waits_for[step.id])}
    return reached


@st.composite
def workflows(draw) -> Workflow:
    """Each step has a text and a tag of its own, and uses some of those before it."""
    size = draw(st.integers(1, 12))
    made = []
    for number in range(size):
        used = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        text = f"step {number}: " + " ".join(f"{{{{s{other}}}}}" for other in sorted(used))
        made.append(Step(f"s{number}", (text,), tags=frozenset({f"tag:{number}"})))
    return Workflow(tuple(draw(st.permutations(made))))


def changed(workflow: Workflow, names: set[str]) -> Workflow:
    return Workflow(
        tuple(replace(step, texts=(*step.texts, "now")) if step.id in names else step for step in workflow.steps)
    )


def chosen(workflow: Workflow, numbers: set[int]) -> set[str]:
    return {step.id for number, step in enumerate(workflow.steps) if number in numbers}


some = st.sets(st.integers(0, 11), max_size=4)


@settings(deadline=None, max_examples=60)
@given(workflow=workflows(), numbers=some)
def test_exactly_what_changed_and_what_comes_of_it_is_computed_again(workflow, numbers):
    async def story() -> None:
        runner = Runner()
        _, first = await runner.run(workflow)
        _, same = await runner.run(workflow)
        names = chosen(workflow, numbers)
        outputs, again = await runner.run(changed(workflow, names))

        assert first == {step.id for step in workflow.steps}
        assert same == set()
        assert again == downstream(workflow, names)
        assert outputs == (await Runner().run(changed(workflow, names)))[0]

    asyncio.run(story())


@settings(deadline=None, max_examples=60)
@given(workflow=workflows(), numbers=some)
def test_exactly_what_depends_on_an_invalidated_tag_is_computed_again(workflow, numbers):
    async def story() -> None:
        runner = Runner()
        await runner.run(workflow)
        names = chosen(workflow, numbers)
        if names:
            await runner.cache.invalidate(
                ADA, [tag for step in workflow.steps if step.id in names for tag in step.tags]
            )

        _, again = await runner.run(workflow)
        _, then = await runner.run(workflow)

        assert again == downstream(workflow, names)
        assert then == set()

    asyncio.run(story())


@settings(deadline=None, max_examples=60)
@given(workflow=workflows(), numbers=some)
def test_a_changed_step_that_says_the_same_ends_the_change(workflow, numbers):
    async def story() -> None:
        runner = Runner(write=lambda texts: texts[0])
        await runner.run(workflow)
        names = chosen(workflow, numbers)

        _, again = await runner.run(changed(workflow, names))

        assert again == names

    asyncio.run(story())


async def test_one_changed_leaf_of_forty_steps_runs_only_what_depends_on_it():
    leaves = [Step(f"leaf{number}", (f"read document {number}",)) for number in range(20)]
    pairs = [Step(f"pair{n}", (f"compare {{{{leaf{2 * n}}}}} with {{{{leaf{2 * n + 1}}}}}",)) for n in range(10)]
    fives = [
        Step(f"five{n}", ("sum up " + " ".join(f"{{{{pair{m}}}}}" for m in range(5 * n, 5 * n + 5)),)) for n in range(2)
    ]
    rest = [Step(f"check{n}", (f"check {{{{pair{n}}}}}",)) for n in range(7)]
    workflow = Workflow((*leaves, *pairs, *fives, *rest, Step("report", ("{{five0}} {{five1}}",))))
    runner = Runner()
    await runner.run(workflow)

    _, again = await runner.run(changed(workflow, {"leaf5"}))

    assert len(workflow.steps) == 40
    assert again == {"leaf5", "pair2", "five0", "check2", "report"}


async def test_the_same_step_in_another_workflow_is_found():
    runner = Runner()
    await runner.run(Workflow((Step("a", ("read it",)), Step("b", ("sum up {{a}}",)))))

    _, again = await runner.run(Workflow((Step("x", ("sum up {{y}}",)), Step("y", ("read it",)), Step("z", ("new",)))))

    assert again == {"z"}
