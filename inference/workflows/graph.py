"""A workflow as a graph: steps, what each waits for, and which are to be looked up or run next."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from acron_site.lib.errors import InvalidRequestError, RequestTooLargeError
from caching import steps as kept_steps

MAX_STEPS = 100
MAX_ID_CHARACTERS = 64
MAX_TEXT_CHARACTERS = 1_000_000  # of a step's texts together, as they are sent
MAX_FILLED_CHARACTERS = 4_000_000  # with the outputs of other steps in place

_PARAM = "workflow.steps"
_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# {{step}}; a backslash before it makes it a text of its own, and two of them are a backslash. Not after a backslash:
# a row of a million would be tried a million times.
_REFERENCE = re.compile(r"(?<!\\)(\\*)\{\{[ \t]*([A-Za-z0-9_-]+)[ \t]*\}\}", re.ASCII)
_LONGEST_SHOWN = 10  # of the steps that an error names


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a workflow. `{{other}}` in its texts stands for the output of the step called `other`."""

    id: str
    texts: tuple[str, ...]
    depends_on: tuple[str, ...] = ()  # what it waits for besides the steps that its texts name
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Workflow:
    """Steps that can all be reached: to make one raises InvalidRequestError where they cannot."""

    steps: tuple[Step, ...]
    output: str = ""  # the step whose output is the answer; empty: the last one

    def __post_init__(self) -> None:
        _require_number(self)
        for step in self.steps:
            _require_sound(step)
        _require_known(self)
        _require_no_cycle(self)

    @cached_property
    def by_id(self) -> Mapping[str, Step]:
        return {step.id: step for step in self.steps}

    @cached_property
    def answer_id(self) -> str:
        return self.output or self.steps[-1].id

    @cached_property
    def waits_for(self) -> Mapping[str, tuple[str, ...]]:
        """Of each step all that must be known before it, once, in the order they are named."""
        return {step.id: tuple(dict.fromkeys((*step.depends_on, *_references(step)))) for step in self.steps}

    @cached_property
    def waves(self) -> tuple[tuple[Step, ...], ...]:
        """Steps that may run side by side: each wave waits for those before it alone."""
        return tuple(tuple(self.by_id[name] for name in wave) for wave in _waves(self.waits_for))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is next. `ready` steps are to be looked up, and run where they are not found; the others wait for them.

    Of those that wait nothing is decided: whatever comes out of the step before, one whose inputs have stayed the same
    will be found.
    """

    ready: tuple[Step, ...]
    waiting: tuple[Step, ...]

    @property
    def is_done(self) -> bool:
        return not self.ready and not self.waiting


def plan(workflow: Workflow, known: Mapping[str, str]) -> Plan:
    """What is next when the outputs of some steps are `known`, whether they were found or run."""
    ready: list[Step] = []
    waiting: list[Step] = []
    for step in workflow.steps:
        if step.id not in known:
            is_ready = all(other in known for other in workflow.waits_for[step.id])
            (ready if is_ready else waiting).append(step)
    return Plan(tuple(ready), tuple(waiting))


def filled(step: Step, known: Mapping[str, str]) -> tuple[str, ...]:
    """The step's texts with the outputs of other steps in place, each as it is: what looks like a reference in an
    output is none. Raises RequestTooLargeError."""
    references = _references(step)
    size = sum(map(len, step.texts)) + sum(len(known[name]) for name in references)
    # asked before: an output that is named ten thousand times would fill the memory
    if size > MAX_FILLED_CHARACTERS:
        raise RequestTooLargeError(
            f"step {step.id!r} has {size:,} characters with the outputs it uses, and at most "
            f"{MAX_FILLED_CHARACTERS:,} are taken; let an earlier step shorten them",
            param=_PARAM,
        )
    return tuple(_REFERENCE.sub(lambda match: _filled(match, known), text) for text in step.texts)


def escaped(text: str) -> str:
    """The text as one in which nothing stands for a step: filled, it is itself again."""
    return _REFERENCE.sub(lambda match: "\\" * (len(match[1]) + 1) + match[0], text)


def _filled(match: re.Match[str], known: Mapping[str, str]) -> str:
    backslashes, name = match.groups()
    kept = backslashes[: len(backslashes) // 2]
    return kept + (match.group()[len(backslashes) :] if len(backslashes) % 2 else known[name])


def _references(step: Step) -> list[str]:
    """The steps that its texts name, as often as they do."""
    found = (match.groups() for text in step.texts for match in _REFERENCE.finditer(text))
    return [name for backslashes, name in found if len(backslashes) % 2 == 0]


def _require_number(workflow: Workflow) -> None:
    if not 1 <= len(workflow.steps) <= MAX_STEPS:
        raise InvalidRequestError(
            f"a workflow has 1 to {MAX_STEPS} steps, and this one has {len(workflow.steps)}", param=_PARAM
        )
    seen: set[str] = set()
    for step in workflow.steps:
        if step.id in seen:
            raise InvalidRequestError(f"two steps are called {step.id!r}; give each an id of its own", param=_PARAM)
        seen.add(step.id)


def _require_sound(step: Step) -> None:
    if len(step.id) > MAX_ID_CHARACTERS or not _ID.fullmatch(step.id):
        raise InvalidRequestError(
            f"{step.id[:MAX_ID_CHARACTERS]!r} cannot be the id of a step; use 1 to {MAX_ID_CHARACTERS} letters, "
            "digits, - and _",
            param=_PARAM,
        )
    size = sum(map(len, step.texts))
    if size > MAX_TEXT_CHARACTERS:
        raise RequestTooLargeError(
            f"step {step.id!r} has {size:,} characters, and at most {MAX_TEXT_CHARACTERS:,} are taken; split it",
            param=_PARAM,
        )
    kept_steps.tags_from(step.tags)


def _require_known(workflow: Workflow) -> None:
    ids = _shown([step.id for step in workflow.steps])
    for step in workflow.steps:
        for name in workflow.waits_for[step.id]:
            if name not in workflow.by_id:
                raise InvalidRequestError(_about_unknown(step, name, ids), param=_PARAM)
    if workflow.output and workflow.output not in workflow.by_id:
        raise InvalidRequestError(
            f"there is no step {_name(workflow.output)} to be the output; the steps are {ids}", param="workflow.output"
        )


def _about_unknown(step: Step, name: str, ids: str) -> str:
    message = f"step {step.id!r} waits for {_name(name)}, which is no step; the steps are {ids}"
    if name in step.depends_on:
        return message
    return rf"{message}. Write \{{{{{name[:MAX_ID_CHARACTERS]}}}}} for braces that stand for nothing"


def _require_no_cycle(workflow: Workflow) -> None:
    reached = {step.id for wave in workflow.waves for step in wave}
    stuck = {name: others for name, others in workflow.waits_for.items() if name not in reached}
    if stuck:
        raise InvalidRequestError(
            f"these steps wait for each other: {_shown(_cycle(stuck), ' -> ')}; take one of the references away",
            param=_PARAM,
        )


def _cycle(stuck: Mapping[str, tuple[str, ...]]) -> list[str]:
    """One circle among steps each of which waits for another of them, its first step named again at its end."""
    path = [next(iter(stuck))]
    while True:
        following = next(name for name in stuck[path[-1]] if name in stuck)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


def _waves(waits_for: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Ends before steps that wait for each other."""
    remaining = {name: set(others) for name, others in waits_for.items()}
    while wave := [name for name, others in remaining.items() if not others]:
        yield tuple(wave)
        for name in wave:
            del remaining[name]
        for others in remaining.values():
            others.difference_update(wave)


def _shown(names: list[str], between: str = ", ") -> str:
    if len(names) <= _LONGEST_SHOWN:
        return between.join(names)
    return between.join([*names[: _LONGEST_SHOWN - 1], "...", names[-1]])


def _name(name: str) -> str:
    return repr(name[:MAX_ID_CHARACTERS])
