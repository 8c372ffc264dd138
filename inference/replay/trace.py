"""A recorded or composed span of questions, of each of which is known with which others it may share an answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from acron_site.lib.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class Request:
    """Those of one tenant and one group may share an answer. `at_seconds` counts from the trace's beginning."""

    at_seconds: float
    tenant: str
    prompt: str
    group: str
    tokens_input: int
    tokens_output: int


@dataclass(frozen=True, slots=True)
class Repeats:
    """What there is to save: requests that say what was said before, and those that may share an earlier answer."""

    verbatim: int
    shareable: int


def read(lines: Iterable[str]) -> Iterator[Request]:
    """One request from each line of JSON. Raises InvalidRequestError."""
    for number, line in enumerate(lines, start=1):
        try:
            yield _request(line)
        except (ValueError, KeyError, TypeError):
            raise InvalidRequestError(
                f"line {number} is no request of a trace: it must be a JSON object with t, tenant, prompt, group, "
                "in_tokens and out_tokens"
            ) from None


def repeats(requests: Iterable[Request]) -> Repeats:
    said: set[tuple[str, str]] = set()
    answered: set[tuple[str, str]] = set()
    verbatim = shareable = 0
    for each in requests:
        words, meaning = (each.tenant, each.prompt), (each.tenant, each.group)
        verbatim += words in said
        shareable += meaning in answered
        said.add(words)
        answered.add(meaning)
    return Repeats(verbatim, shareable)


def _request(line: str) -> Request:
    row = orjson.loads(line)
    return Request(
        at_seconds=float(row["t"]),
        tenant=str(row["tenant"]),
        prompt=str(row["prompt"]),
        group=str(row["group"]),
        tokens_input=int(row["in_tokens"]),
        tokens_output=int(row["out_tokens"]),
    )
