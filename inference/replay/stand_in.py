"""The provider of a replay: its answer says for whom and for which group of questions it was given."""

from contextvars import ContextVar
from dataclasses import dataclass

import orjson

from inference.providers.base import Call
from inference.providers.mock import MockReply
from inference.replay.trace import Request

# the gateway hears nothing of groups: who sends the request sets this, and whoever calls for it inherits it
being_replayed: ContextVar[Request] = ContextVar("being_replayed")

_HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Meant:
    """For whom an answer was given, and to what."""

    tenant: str
    group: str


class StandIn:
    """Answers at once, with the token counts of the trace. Within a tenant, a group has one answer.

    The answer is JSON, so that two of them are compared exactly: what checks find is what the labels say.
    """

    async def send(self, call: Call) -> MockReply:
        request = being_replayed.get()
        model = orjson.loads(call.body).get("model")
        return MockReply(200, _HEADERS, [(0, orjson.dumps(_completion(request, model)))])

    async def close(self) -> None:
        """Nothing is open."""


def meant_by(body: bytes) -> Meant:
    """Reads an answer of the stand-in."""
    said = orjson.loads(orjson.loads(body)["choices"][0]["message"]["content"])
    return Meant(said["tenant"], said["group"])


def _completion(request: Request, model: str) -> dict[str, object]:
    said = orjson.dumps({"tenant": request.tenant, "group": request.group}).decode()
    return {
        "id": "chatcmpl-replay",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": request.tokens_input,
            "completion_tokens": request.tokens_output,
            "total_tokens": request.tokens_input + request.tokens_output,
        },
    }
