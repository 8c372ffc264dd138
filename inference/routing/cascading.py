"""Who is asked first in a cascade: the cheapest that can do it, where that is likely to pay."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.catalog import Model
from inference.domain import Ask, Cascade, Format, RoutingMode, Verify
from inference.wire import responses_sketch

# a cheap answer is worth asking for only from a model not too far below: of 5
_FURTHEST_BELOW = 2.0
# what is asked first may cost this share of the strong model's answer: it pays where every second answer is verified
_LARGEST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Priced:
    """A model that can do it, with its estimated price, its quality for the task (0 to 5) and its latency."""

    model: Model
    estimate: int
    quality: float
    latency_ms: int


def require_comparable(ask: Ask, cascade: Cascade) -> None:
    """Raises InvalidRequestError where no answer could be verified."""
    if ask.mode is RoutingMode.EXPLICIT:
        raise _refused(
            'a cascade chooses between models: ask for the model "auto", and name the strong one in cascade.strong'
        )
    if ask.format is Format.EMBEDDINGS:
        raise _refused("embeddings cannot be verified; leave cascade out")
    if cascade.verify is Verify.FORMAT:
        if ask.format is not Format.CHAT or not _has_shape(ask.body):
            raise _refused("verify=format checks chat completions with tools or a JSON response_format; send one")
        return
    found = next(_incomparable(ask.body), "")
    if found:
        raise _refused(f"answers with {found} are not compared; leave {found} or cascade out, or use verify=format")


def is_comparable(ask: Ask) -> bool:
    """Whether somebody else's answer to a request that leaves the choice open can be held against the one it gets.

    `no-store` is taken at its word: the request goes nowhere that it need not go. An answer with a temperature differs
    from itself, one with tools is not its words alone, and a stored conversation must not get a second turn.
    """
    if ask.controls.is_bypassed or ask.body.get("temperature") or ask.sketch.get("tools"):
        return False
    return not (ask.format is Format.RESPONSES and (responses_sketch.is_stateful(ask.body) or ask.body.get("store")))


def may_agree(ask: Ask) -> bool:
    """Whether two may be asked first without anybody having asked for that. A verified answer is whole before it is
    told, and whoever streams wants to see it begin."""
    return is_comparable(ask) and not ask.stream and not any(_incomparable(ask.body))


def first_asked(cascade: Cascade, fitting: Sequence[Priced], strong: Priced, latency_ms: int | None) -> Sequence[Model]:
    """Of models that can do it, the cheapest first; () where a cascade would not pay, or take too long."""
    if latency_ms is not None and strong.latency_ms > latency_ms / 2:
        return ()
    cheaper = [
        each
        for each in fitting
        if each.model.name != strong.model.name
        and each.quality >= strong.quality - _FURTHEST_BELOW
        and (latency_ms is None or each.latency_ms + strong.latency_ms <= latency_ms)
    ]
    chosen = _pair(cheaper) if cascade.verify is Verify.AGREEMENT else cheaper[:1]
    times = 2 if cascade.verify is Verify.CONSISTENCY else 1
    pays = times * sum(each.estimate for each in chosen) <= _LARGEST_SHARE * strong.estimate
    return [each.model for each in chosen] * times if chosen and pays else ()


def _pair(cheaper: Sequence[Priced]) -> Sequence[Priced]:
    """The cheapest, and the cheapest of another provider: what one is mistaken about, its sisters often are too."""
    if not cheaper:
        return ()
    first = cheaper[0]
    others = sorted(cheaper[1:], key=lambda each: each.model.provider == first.model.provider)
    return (first, others[0]) if others else ()


def _has_shape(body: Mapping[str, Any]) -> bool:
    kind = (body.get("response_format") or {}).get("type")
    return bool(body.get("tools")) or kind in ("json_object", "json_schema")


def _incomparable(body: Mapping[str, Any]) -> Iterator[str]:
    names: Iterable[str] = ("tools", "functions", "logprobs", "audio", "web_search_options")
    yield from (name for name in names if body.get(name))
    if (body.get("n") or 1) != 1:
        yield "n"


def _refused(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, param="cascade")
