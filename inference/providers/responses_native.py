"""OpenAI's Responses API, relayed as it is."""

from collections.abc import Mapping
from typing import Any

import orjson

from acron_site.lib.errors import InvalidRequestError, UpstreamError
from inference.catalog import Model
from inference.domain import Ask, Completion
from inference.providers.base import Call
from inference.providers.openai_access import OpenAIAccess
from inference.providers.responses_stream import ResponsesStreamReader, completion_from
from inference.wire.response_objects import FailedResponseError
from inference.wire.responses_sketch import is_reference

# what a model without "sampling" among its capabilities answers with 400
_SAMPLING = ("temperature", "top_p", "top_logprobs")
# fields that go on from what is kept at OpenAI, or keep something there
_KEPT_STATE = ("previous_response_id", "conversation", "background", "background_options", "prompt")
_KEPT_NAMES = ("file_id", "file_ids", "vector_store_ids", "container_id", "skill_id")
# their parameters may be called anything
_CALLERS_TOOLS = ("function", "custom")


class ResponsesDialect(OpenAIAccess):
    """Requests and answers pass with as few changes as possible.

    With the operator's key nothing is kept at OpenAI, and nothing that is kept there can be named: the key is shared,
    and who learns an id of another organization could read on from it.
    """

    def call(self, ask: Ask, model: Model) -> Call:
        body = {**ask.body, "model": model.upstream_model}
        dropped = () if "sampling" in model.capabilities else _taken_out(body, _SAMPLING)
        if not ask.stream:
            body.pop("stream", None)
            body.pop("stream_options", None)
        if not self._is_own_key:
            _refuse_kept(body)
            dropped += ("store",) if body.get("store") else ()
            body["store"] = False
        return self._post(model.base_url.rstrip("/") + "/responses", body, ask, dropped=dropped)

    def completion(self, body: bytes, ask: Ask) -> Completion:  # noqa: ARG002 (the dialects' common signature)
        try:
            return completion_from(orjson.loads(body), body, geography=self._geography)
        except FailedResponseError as error:
            raise self._refusals.stream_error(error.details) from None
        except (ValueError, AttributeError) as error:
            raise UpstreamError(f"{self._name} sent something that is no answer: {error}; try again") from None

    def reader(self, ask: Ask, model: Model) -> ResponsesStreamReader:  # noqa: ARG002 (the dialects' common signature)
        return ResponsesStreamReader(ask, refusals=self._refusals, geography=self._geography)

    def stored_call(self, base_url: str, method: str, path: str) -> Call:
        """For what is kept at OpenAI under this key; `path` begins after `/responses/`."""
        url = f"{base_url.rstrip('/')}/responses/{path}"
        return Call(url=url, headers=self._headers, body=b"", stream=False, method=method)


def _taken_out(body: dict[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if body.pop(name, None) is not None)


def _refuse_kept(body: Mapping[str, Any]) -> None:
    for name in _KEPT_STATE:
        if body.get(name):
            raise _needs_own_key(name)
    options = body.get("prompt_cache_options")
    if isinstance(options, dict) and options.get("comparison_response_id"):
        raise _needs_own_key("prompt_cache_options.comparison_response_id")
    for field in ("input", "tools"):
        values = body.get(field)
        for index, value in enumerate(values if isinstance(values, list) else ()):
            if value.get("type") not in _CALLERS_TOOLS and (kept := _kept_in(value)):
                raise _needs_own_key(f"{field}[{index}].{kept}")


def _kept_in(value: Mapping[str, Any]) -> str:
    """The name by which an item or a tool points to something that is kept at OpenAI; "" if none does."""
    if is_reference(value):
        return "id"
    pending: list[Any] = [value]
    while pending:  # no recursion: a caller may nest deeper than Python follows
        part = pending.pop()
        if isinstance(part, dict):
            if isinstance(part.get("container"), str):  # an object makes a new one
                return "container"
            if found := next((name for name in _KEPT_NAMES if part.get(name)), ""):
                return found
            pending += part.values()
        elif isinstance(part, list):
            pending += part
    return ""


def _needs_own_key(name: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{name} points to something that is kept at OpenAI, which needs a provider key of your own organization "
        "(/settings/providers); without one, send the whole conversation as input",
        param=name,
    )
