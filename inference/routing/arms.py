"""Which requests are held out from optimising, so that what it saves is measured and not only modelled."""

import hashlib
from enum import StrEnum
from typing import Any
from uuid import UUID

from inference.domain import Ask, Format, RoutingMode
from inference.fingerprint import canonical
from inference.wire import responses_sketch

_SHARES = 2**32


class Arm(StrEnum):
    """On which side of the comparison a request stands."""

    NONE = ""
    OPTIMISED = "optimised"
    HOLDOUT = "holdout"


def may_be_held_out(ask: Ask) -> bool:
    """Whether the gateway is free to do so: not where a model is named, or only a kept answer is wanted.

    A conversation that is continued at the provider cannot be told by its beginning. A workflow's steps stand or fall
    together, and cannot be drawn one by one.
    """
    if ask.mode is not RoutingMode.AUTOPILOT or ask.controls.only_if_cached or ask.step_id:
        return False
    return not (ask.format is Format.RESPONSES and responses_sketch.is_stateful(ask.body))


def drawn(organization_id: UUID, ask: Ask, *, percent: float, secret: bytes) -> Arm:
    """The same for all turns of a conversation and in every worker; keyed, so that nobody can choose it."""
    digest = hashlib.blake2b(beginning(ask), key=secret, salt=b"hold-out", person=organization_id.bytes)
    share = int.from_bytes(digest.digest()[:4]) / _SHARES
    return Arm.HOLDOUT if share < percent / 100 else Arm.OPTIMISED


def beginning(ask: Ask) -> bytes:
    """What the turns of a conversation have in common: all up to the first question, and who asks."""
    begun: list[tuple[Any, Any]] = []
    for message in ask.sketch.get("messages") or ():
        begun.append((message.get("role"), message.get("content")))
        if message.get("role") == "user":
            break
    return canonical([begun, ask.end_user])
