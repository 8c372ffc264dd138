"""Who is asked first in a cascade: the cheapest that can do it, where that is likely to pay."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from acron_site.lib.errors import InvalidRequestError, UnknownModelError
from inference import judging
from inference.catalog import Model
from inference.domain import Ask, Cascade, Format, RoutingMode, Verify
from inference.wire import responses_sketch

# a cheap answer is worth asking for only from a model not too far below: of 5
_FURTHEST_BELOW = 2.0
# what is asked first may cost this share of the strong model's answer: it pays where every second answer is verified
_LARGEST_SHARE = 0.5
_JUDGE = "acron.cascade.judge"


@dataclass(frozen=True, slots=True)
class Priced:
    """A model that can do it, with its estimated price, its quality for the task (0 to 5) and its latency."""

    model: Model
    estimate: int
    quality: float
    latency_ms: int


class Naming(Protocol):
    """Finds a model that may be used, by its name."""

    def __call__(self, name: str, wanted: Format, *, param: str) -> Model: ...


def require_usable(ask: Ask, cascade: Cascade, named: Naming) -> None:
    """Raises InvalidRequestError where no answer could be verified, and what `named` raises of a name."""
    _require_comparable(ask, cascade)
    for name in (*cascade.models, *([cascade.strong] if cascade.strong else [])):
        named(name, ask.format, param="cascade")
    judges_named(cascade, named)


def _require_comparable(ask: Ask, cascade: Cascade) -> None:
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
    if cascade.verify is Verify.JUDGE and not judging.is_readable(ask):
        raise _refused(
            "verify=judge reads words alone: end the request with a user's words, without pictures, files or a "
            "conversation that the provider keeps, or leave cascade out"
        )


def judges_named(cascade: Cascade, named: Naming) -> Sequence[Model]:
    """The judge that the request names, if it does. Raises InvalidRequestError where that is none."""
    if not cascade.judge:
        return []
    try:
        judge = named(cascade.judge, Format.CHAT, param=_JUDGE)
    except UnknownModelError as error:
        raise InvalidRequestError(f"there is no such judge: {error.message}", param=_JUDGE) from None
    if not judge.is_available:
        raise InvalidRequestError(f"{judge.name} is not available here: {judge.unavailable_because}", param=_JUDGE)
    if judge.is_one_of(cascade.models):
        raise InvalidRequestError("no model judges its own answer; name another one as the judge", param=_JUDGE)
    return [judge]


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


def first_asked(
    cascade: Cascade,
    fitting: Sequence[Priced],
    strong: Priced,
    latency_ms: int | None,
    *,
    judges: Sequence[Priced] = (),
) -> Sequence[Model]:
    """Of models that can do it, the cheapest first; () where a cascade would not pay, or take too long.

    Where a judge verifies it comes last; `judges` are those that can, the cheapest first, with what that costs.
    """
    if latency_ms is not None and strong.latency_ms > latency_ms / 2:
        return ()
    cheaper = [
        each
        for each in fitting
        if each.model.name != strong.model.name
        and (cascade.models or each.quality >= strong.quality - _FURTHEST_BELOW)
        and (latency_ms is None or each.latency_ms + strong.latency_ms <= latency_ms)
    ]
    chosen = _chosen(cascade, cheaper, judges)
    is_slow = latency_ms is not None and _waited_ms(cascade, chosen) + strong.latency_ms > latency_ms
    pays = cascade.times * sum(each.estimate for each in chosen) <= _LARGEST_SHARE * strong.estimate
    return [each.model for each in chosen] * cascade.times if chosen and pays and not is_slow else ()


def _chosen(cascade: Cascade, cheaper: Sequence[Priced], judges: Sequence[Priced]) -> Sequence[Priced]:
    if cascade.verify is Verify.JUDGE:
        return _judged(cascade, cheaper, judges)
    return _pair(cheaper) if cascade.verify is Verify.AGREEMENT else cheaper[:1]


def _waited_ms(cascade: Cascade, chosen: Sequence[Priced]) -> int:
    """A judge waits for what it judges; others are asked at once."""
    waits = [each.latency_ms for each in chosen]
    return sum(waits) if cascade.verify is Verify.JUDGE else max(waits, default=0)


def _judged(cascade: Cascade, cheaper: Sequence[Priced], judges: Sequence[Priced]) -> Sequence[Priced]:
    """The cheapest, and the cheapest of those that are no worse, of another provider where there is one."""
    named = {each.model.name for each in judges} if cascade.judge else frozenset[str]()
    first = next((each for each in cheaper if each.model.name not in named), None)
    if first is None:
        return ()
    provider = first.model.provider
    able = [each for each in judges if each.model is not first.model and (named or each.quality >= first.quality)]
    found = min(able, key=lambda each: (each.model.provider == provider, each.estimate), default=None)
    return (first, found) if found else ()


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
