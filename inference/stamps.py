"""What of a kept answer is new each time it is given: its id, and the second it was made."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from inference.domain import Ask, Format

# from, to: of the characters of the id that tell it from others, and of the digits of the time; 0, 0: there is none
Stamps = tuple[int, int, int, int]
NONE: Stamps = (0, 0, 0, 0)


# what a format calls them; "": it has no such thing
_NAMES: Mapping[Format, tuple[bytes, bytes]] = MappingProxyType(
    {
        Format.CHAT: (b'"id"', b'"created"'),
        Format.MESSAGES: (b'"id"', b""),
        Format.RESPONSES: (b'"id"', b'"created_at"'),
    }
)
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]', re.DOTALL)
# what stands before an id's first separator says of what kind it is, and stays: chatcmpl-, msg_, resp_
_TEXT = re.compile(rb'\s*+:\s*+"(?:[A-Za-z]++[-_])?+([^"\\]++)"')
# how OpenAI and those who do as it does begin an answer, read at one go
_USUAL = re.compile(
    rb'\{\s*+"id"\s*+:\s*+"(?:[A-Za-z]++[-_])?+([^"\\]++)"\s*+,\s*+"object"\s*+:\s*+"[^"\\]*+"\s*+,'
    rb'\s*+("created(?:_at)?+")\s*+:\s*+(\d++)(?=[\s,}])'
)
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


def renewed(body: bytes, stamps: Stamps, *, identity: UUID, moment: int) -> bytes:
    """The answer under another id, made now; every other byte is as it was."""
    id_start, id_end, time_start, time_end = stamps
    if not id_end:
        return body
    if not time_end:
        return b"".join((body[:id_start], b"%032x" % identity.int, body[id_end:]))
    return b"".join(
        (body[:id_start], b"%032x" % identity.int, body[id_end:time_start], b"%d" % moment, body[time_end:])
    )


def _find(body: bytes, names: tuple[bytes, bytes]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Names on the outermost level only; whoever writes JSON puts them first, so little of it is read."""
    id_name, time_name = names
    usual = _USUAL.match(body)
    if usual is not None and usual[2] == time_name:
        return usual.span(1), usual.span(3)
    identity = moment = (0, 0)
    depth = 0
    for token in _TOKEN.finditer(body):
        word = token[0]
        if word in (b"{", b"["):
            depth += 1
        elif word in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and word == id_name and (value := _TEXT.match(body, token.end())):
            identity = value.span(1)
        elif depth == 1 and word == time_name and (value := _NUMBER.match(body, token.end())):
            moment = value.span(1)
        if identity[1] and (moment[1] or not time_name):
            break
    return identity, moment
