"""What of a kept answer is new each time it is given: its id, and the second it was made."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from inference.domain import Ask, Format

# from, to: of the characters between the quotes of the id, and of the digits of the time; 0, 0: there is none
Stamps = tuple[int, int, int, int]
NONE: Stamps = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Names:
    """What a format calls them, and how its ids begin."""

    id: bytes
    time: bytes
    prefix: bytes


_NAMES: Mapping[Format, _Names] = MappingProxyType(
    {
        Format.CHAT: _Names(b'"id"', b'"created"', b"chatcmpl-"),
        Format.MESSAGES: _Names(b'"id"', b"", b"msg_"),
        Format.RESPONSES: _Names(b'"id"', b'"created_at"', b"resp_"),
    }
)
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]', re.DOTALL)
_TEXT = re.compile(rb'\s*+:\s*+"([^"\\]*+)"')
_NUMBER = re.compile(rb"\s*+:\s*+(\d++)(?=[\s,}])")


def find(body: bytes, ask: Ask) -> Stamps:
    """Where they stand in an answer to `ask`; done when it is kept, so that a hit only has to write over them.

    A response that the provider stores keeps its own: they are its name there, by which it is fetched, deleted and
    gone on from.
    """
    names = _NAMES.get(ask.format)
    if names is None or (ask.format is Format.RESPONSES and ask.body.get("store") is not False):
        return NONE
    identity, moment = _find(body, names)
    # they are written over from left to right
    return NONE if moment[1] and moment[0] < identity[0] else (*identity, *moment)


def renewed(body: bytes, stamps: Stamps, spoken: Format, *, identity: UUID, moment: int) -> bytes:
    """The answer under another id, made now; every other byte is as it was."""
    id_start, id_end, time_start, time_end = stamps
    if not id_end:
        return body
    prefix = _NAMES[spoken].prefix
    if not time_end:
        return b"%b%b%b%b" % (body[:id_start], prefix, identity.hex.encode(), body[id_end:])
    return b"%b%b%b%b%d%b" % (
        body[:id_start],
        prefix,
        identity.hex.encode(),
        body[id_end:time_start],
        moment,
        body[time_end:],
    )


def _find(body: bytes, names: _Names) -> tuple[tuple[int, int], tuple[int, int]]:
    """Names on the outermost level only; whoever writes JSON puts them first, so little of it is read."""
    identity = moment = (0, 0)
    depth = 0
    for token in _TOKEN.finditer(body):
        word = token[0]
        if word in (b"{", b"["):
            depth += 1
        elif word in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and word == names.id and (value := _TEXT.match(body, token.end())):
            identity = value.span(1)
        elif depth == 1 and word == names.time and (value := _NUMBER.match(body, token.end())):
            moment = value.span(1)
        if identity[1] and (moment[1] or not names.time):
            break
    return identity, moment
