"""How each format tells its callers of errors, and a kept answer again as a stream."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from acron_site.lib.errors import AcronError, error_body
from inference.domain import Format
from inference.wire import message_events, responses_events, sse


@dataclass(frozen=True, slots=True)
class Manner:
    """One format's ways. `replay` takes a whole answer and whether its usage is told; the events end with the last."""

    replay: Callable[[bytes, bool], Iterator[bytes]]
    error_body: Callable[[AcronError, str], Mapping[str, Any]] = error_body
    error_event: Callable[[AcronError, str], bytes] = sse.error_event


MANNERS: Mapping[Format, Manner] = {
    Format.CHAT: Manner(sse.replay),
    Format.MESSAGES: Manner(message_events.replay, message_events.error_body, message_events.error_event),
    Format.RESPONSES: Manner(responses_events.replay, error_event=responses_events.error_event),
}
