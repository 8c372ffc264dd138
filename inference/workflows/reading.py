"""Reads the workflow of a request: its steps, each as an ask of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from acron_site.lib.errors import AcronError, InvalidRequestError, RequestTooLargeError
from caching.steps import tags_from
from inference.domain import Ask
from inference.routing.router import QUALITY
from inference.wire import chat, fields
from inference.workflows import splitter
from inference.workflows.graph import MAX_STEPS, Step, Workflow

AUTO = "auto"

_FIELDS = frozenset({"steps", "output"})
_STEP_FIELDS = frozenset(
    {
        *("id", "prompt", "messages", "system", "depends_on", "tags"),
        *("model", "task_type", "quality_preference", "max_tokens", "temperature"),
    }
)
_PASSED_ON = ("max_tokens", "temperature")
# what a step cannot do: the others need words, and one answer
_NOT_IN_STEPS = ("tools", "functions", "tool_choice", "audio")
_MAX_DEPENDENCIES = 2 * MAX_STEPS
_MAX_SHARED_CHARACTERS = 10_000_000
_PREFIXES = {chat.ENDPOINT: "acron."}


@dataclass(frozen=True, slots=True)
class Flow:
    """A workflow that is ready to run. `asks` hold each step's texts as they were written, references included.

    `joints` stand before each step's output where all of them together are the answer; else one step's is.
    """

    ask: Ask
    graph: Workflow
    asks: Mapping[str, Ask]
    shared: int  # how many messages of each ask come before the step's own
    joints: tuple[str, ...] = ()


def flow_of(ask: Ask) -> Flow | None:
    """None where the request is one question after all. Raises an AcronError naming the field and what it must be."""
    if ask.workflow == AUTO:
        return _split(ask)
    prefix = _PREFIXES.get(ask.endpoint, "")
    try:
        return _read(ask, f"{prefix}workflow")
    except AcronError as error:
        if error.param is not None and error.param.startswith("workflow"):  # the graph knows no formats
            error.param = prefix + error.param
        raise


def filled(flow: Flow, step: Step, texts: tuple[str, ...]) -> Ask:
    """The step's ask with these texts in place of its own."""
    ask = flow.asks[step.id]
    messages = ask.body["messages"]
    left = iter(texts)
    own = [_with_texts(message, left) for message in messages[flow.shared :]]
    return replace(ask, body={**ask.body, "messages": [*messages[: flow.shared], *own]}, noted={})


def _read(ask: Ask, path: str) -> Flow:
    document = ask.workflow
    if not isinstance(document, dict):
        raise InvalidRequestError(f'{path!r} must be "auto", or an object with steps', param=path)
    fields.refuse_unknown(document, _FIELDS, path=f"{path}.")
    _refuse_tools(ask)
    listed = _steps(document, path)
    _require_bounded(ask, len(listed), path)
    shared = len(ask.body["messages"])
    asks = [_step_ask(ask, step, place) for step, place in listed]
    read = [_step(step, made, place, shared) for (step, place), made in zip(listed, asks, strict=True)]
    graph = Workflow(tuple(read), output=fields.text(document, "output", path=f"{path}."))
    return Flow(ask, graph, {made.step_id: made for made in asks}, shared)


def _refuse_tools(ask: Ask) -> None:
    for name in _NOT_IN_STEPS:
        if ask.body.get(name):
            raise InvalidRequestError(f"the steps of a workflow answer in words; leave {name!r} out", param=name)
    if ask.body.get("n") not in (None, 1):
        raise InvalidRequestError("a step of a workflow has one answer; leave 'n' out", param="n")


def _steps(document: Mapping[str, Any], path: str) -> list[tuple[dict[str, Any], str]]:
    """Each with where it stands."""
    steps, place = document.get("steps"), f"{path}.steps"
    if not isinstance(steps, list) or not steps:
        raise InvalidRequestError(f"{place!r} must be a list of 1 to {MAX_STEPS} steps", param=place)
    if len(steps) > MAX_STEPS:
        raise InvalidRequestError(
            f"a workflow has 1 to {MAX_STEPS} steps, and this one has {len(steps)}; send it in parts", param=place
        )
    for index, step in enumerate(steps):
        if not isinstance(step, dict):
            raise InvalidRequestError(
                f"{place}[{index}] must be an object with id and prompt", param=f"{place}[{index}]"
            )
        fields.refuse_unknown(step, _STEP_FIELDS, path=f"{place}[{index}].")
    return [(step, f"{place}[{index}].") for index, step in enumerate(steps)]


def _require_bounded(ask: Ask, count: int, path: str) -> None:
    """What all steps begin with is sent as often as there are steps."""
    size = len(fields.written(ask.body["messages"])) * count
    if size > _MAX_SHARED_CHARACTERS:
        raise RequestTooLargeError(
            f"what all {count} steps begin with makes {size:,} characters, and at most {_MAX_SHARED_CHARACTERS:,} are "
            "taken; move it into the steps that need it",
            param=f"{path}.steps",
        )


def _step(document: Mapping[str, Any], ask: Ask, place: str, shared: int) -> Step:
    depends_on = fields.names(document, "depends_on", most=_MAX_DEPENDENCIES, path=place)
    texts = (text for message in ask.body["messages"][shared:] for text in _texts(message))
    return Step(ask.step_id, tuple(texts), depends_on, _tags(document, place))


def _tags(document: Mapping[str, Any], place: str) -> frozenset[str]:
    tags = document.get("tags")
    if tags is None:
        return frozenset()
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidRequestError(f"{place}tags must be a list of strings, like doc:42", param=f"{place}tags")
    try:
        return tags_from(tags)
    except InvalidRequestError as error:
        error.param = f"{place}tags"
        raise


def _step_ask(ask: Ask, document: Mapping[str, Any], place: str) -> Ask:
    """The step as a request of its own: what it does not say itself is as the whole request has it."""
    changes: dict[str, Any] = {"step_id": fields.required_text(document, "id", path=place)}
    body = dict(ask.body)
    body["messages"] = [*ask.body["messages"], *_messages(document, place)]
    if model := fields.text(document, "model", path=place):
        changes["mode"], changes["model_requested"] = chat.mode_of(model, {}), model
        body["model"] = model
    if task_type := fields.text(document, "task_type", path=place):
        changes["task_type"] = task_type[:64]
    if quality := fields.choice(document, "quality_preference", QUALITY, path=place):
        changes |= {"quality_preference": quality, "quality_threshold": None}
    body |= {name: document[name] for name in _PASSED_ON if document.get(name) is not None}
    chat.check_shape(body)
    return replace(_alone(ask), body=body, **changes)


def _alone(ask: Ask) -> Ask:
    """A step is whole before others build on it, and the Idempotency-Key stands for all of them together."""
    body = {name: value for name, value in ask.body.items() if name not in ("stream", "stream_options")}
    return replace(
        ask,
        body=body,
        stream=False,
        include_usage=False,
        workflow=None,
        idempotency_key="",
        optimised_tokens=None,
        noted={},  # a question of its own
    )


def _messages(document: Mapping[str, Any], place: str) -> list[Any]:
    prompt, messages = fields.text(document, "prompt", path=place), document.get("messages")
    if bool(prompt) == bool(messages):
        raise InvalidRequestError(f"send either 'prompt' or 'messages' in {place[:-1]}", param=f"{place}prompt")
    if messages:
        try:
            chat.check_messages(messages)
        except InvalidRequestError as error:
            raise InvalidRequestError(f"{place}{error.message}", param=f"{place}{error.param}") from None
    turns = list(messages) if messages else [{"role": "user", "content": prompt}]
    system = fields.text(document, "system", path=place)
    return [{"role": "system", "content": system}, *turns] if system else turns


def _split(ask: Ask) -> Flow | None:
    """The parts of a prompt that are questions of their own."""
    messages = ask.body["messages"]
    if any(ask.body.get(name) for name in (*_NOT_IN_STEPS, "response_format")) or ask.body.get("n") not in (None, 1):
        return None
    if any(message["role"] not in ("system", "developer") for message in messages[:-1]):
        return None  # a conversation: nobody knows what its last turn leans on
    content = messages[-1].get("content")
    found = splitter.split(content) if messages[-1]["role"] == "user" and isinstance(content, str) else ()
    if not found:
        return None
    shared = len(messages) - 1
    asks = {
        part.id: replace(
            _alone(ask),
            step_id=part.id,
            noted={},
            body={**_alone(ask).body, "messages": [*messages[:-1], {"role": "user", "content": part.text}]},
        )
        for part in found
    }
    graph = Workflow(tuple(Step(part.id, (part.text,)) for part in found))
    return Flow(ask, graph, asks, shared, tuple(part.joint for part in found))


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    """Those of a message that may name other steps."""
    content = message.get("content")
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (part["text"] for part in content if _is_text(part))


def _with_texts(message: Mapping[str, Any], left: Iterator[str]) -> Mapping[str, Any]:
    """The message with the next texts in place of its own, taken in the order of `_texts`."""
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": next(left)}
    if isinstance(content, list):
        parts = [{**part, "text": next(left)} if _is_text(part) else part for part in content]
        return {**message, "content": parts}
    return message


def _is_text(part: Mapping[str, Any]) -> bool:
    return part["type"] == "text" and isinstance(part.get("text"), str)
