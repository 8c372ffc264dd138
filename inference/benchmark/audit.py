"""What calls of the past cost, and what of it cache, routing and prompt caching would have saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from acron_site.lib.errors import AcronError
from acron_site.lib.money import ZERO
from analytics.events import TokenCounts
from inference import accounting, fingerprint, last_turn, pricing
from inference.benchmark import named
from inference.benchmark.exports import Record
from inference.benchmark.repeats import Repeats
from inference.catalog import Catalog, Model
from inference.domain import Ask, RoutingMode, Usage
from inference.routing.needs import estimate_tokens

MOST_QUESTIONS = 2000
_MOST_MODELS = 1000
OTHERS = "(other names)"
# providers keep beginnings of at least so many tokens
_LEAST_CACHEABLE = 1024
_SECRET = b"compares requests of one file; nothing is kept under it"
_NAMES = tuple(each.name for each in fields(TokenCounts))


@dataclass(frozen=True, slots=True)
class Key:
    """Calls that are priced alike."""

    model: str
    tier: str
    speed: str
    geography: str
    is_long: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a request came before. Of a sample, each stands for several."""

    repeats: int = 0
    beginnings: int = 0
    cacheable: int = 0  # tokens of its beginning


@dataclass
class Pile:
    """The sums of calls that are priced alike. `repeated`: those that said what an earlier one had said."""

    requests: int = 0
    tokens: list[int] = field(default_factory=lambda: [0] * len(_NAMES))
    repeated: list[int] = field(default_factory=lambda: [0] * len(_NAMES))
    cacheable: int = 0  # input tokens of beginnings that had been sent before

    def add(self, tokens: TokenCounts, requests: int, seen: Seen) -> None:
        self.requests += requests
        self.cacheable += min(seen.cacheable, tokens.input) * seen.beginnings
        for place, name in enumerate(_NAMES):
            amount = getattr(tokens, name)
            self.tokens[place] += amount
            self.repeated[place] += amount * seen.repeats


@dataclass(frozen=True, slots=True)
class Question:
    """What tier 2 would look at: the last turn, and all the rest as a digest."""

    partition: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Priced:
    """One model's calls, in USD. `elsewhere`: the same tokens at the cheapest model that is good enough."""

    model: str
    requests: int
    spent: Decimal | None  # None: no price is known
    repeated: Decimal = ZERO
    prompt_cache: Decimal = ZERO
    elsewhere: Decimal = ZERO
    better: str = ""  # that model's name; "" where none is cheaper


class Audit:
    """Takes records one by one and keeps sums."""

    def __init__(self, catalog: Catalog, *, quality_threshold: float) -> None:
        self._catalog, self._threshold = catalog, quality_threshold
        self._piles: dict[Key, Pile] = {}
        self._models: dict[str, Model | None] = {}
        self._beginnings = Repeats()
        self.repeats = Repeats()
        self.questions: list[Question] = []
        self.requests = self.with_words = self.sums = 0

    def take_all(self, records: Iterable[Record]) -> None:
        for record in records:
            self._take(record)

    def priced(self) -> list[Priced]:
        """By model, the dearest first; those without a price at the end."""
        found: dict[str, Priced] = {}
        for key, pile in self._piles.items():
            one = self._priced(key, pile)
            found[key.model] = one if key.model not in found else _together(found[key.model], one)
        return sorted(found.values(), key=lambda each: -1 if each.spent is None else each.spent, reverse=True)

    def _take(self, record: Record) -> None:
        self.requests += record.requests
        self.sums += record.is_sum
        seen = Seen() if record.body is None else self._looked_into(record.model, record.body)
        pile = self._piles.setdefault(self._key(record), Pile())
        pile.add(record.usage.tokens, record.requests, seen)

    def _key(self, record: Record) -> Key:
        name, usage = record.model or "(no name)", record.usage
        if name not in self._models:
            if len(self._models) >= _MOST_MODELS:
                name = OTHERS  # a file of nothing but names must not fill the memory
            self._models.setdefault(name, named.find(name, self._catalog))
        model = self._models[name]
        above = model.prices.long_context_tokens if model else None
        is_long = above is not None and not record.is_sum and usage.tokens.total_input > above
        if name == OTHERS:
            return Key(name, "", "", "", is_long=False)
        return Key(name, usage.service_tier, usage.speed, usage.geography, is_long)

    def _looked_into(self, model: str, body: Mapping[str, Any]) -> Seen:
        ask = Ask("", "", RoutingMode.EXPLICIT, model, body)
        try:
            digest = _digest(ask)
            split = last_turn.split(ask)
            beginnings, cacheable = self._cacheable(ask)
        except (AcronError, KeyError, TypeError, AttributeError, ValueError):
            return Seen()  # parts that are no parts
        self.with_words += 1
        if repeats := self.repeats.take(digest):
            return Seen(repeats)  # it would not have been sent at all
        if split and len(self.questions) < MOST_QUESTIONS:
            self.questions.append(Question(_digest(ask, split[1]), split[0]))
        return Seen(0, beginnings, cacheable)

    def _cacheable(self, ask: Ask) -> tuple[int, int]:
        """How many beginnings that came before this one stands for, and its tokens: all turns but the last."""
        beginning = {**ask.body, "messages": ask.body["messages"][:-1]}
        tokens = estimate_tokens(beginning)
        if tokens < _LEAST_CACHEABLE:
            return 0, 0
        return self._beginnings.take(_digest(ask, beginning)), tokens

    def _priced(self, key: Key, pile: Pile) -> Priced:
        model, usage = self._models[key.model], _usage(key, pile.tokens)
        spent = None if model is None else _cost(usage, model, is_long=key.is_long)
        if model is None or spent is None:
            return Priced(key.model, pile.requests, None)
        repeated = _cost(_usage(key, pile.repeated), model, is_long=key.is_long) or ZERO
        better, elsewhere = self._better(model, usage, spent)
        return Priced(key.model, pile.requests, spent, repeated, _prompt_cache(key, pile, model), elsewhere, better)

    def _better(self, model: Model, usage: Usage, spent: Decimal) -> tuple[str, Decimal]:
        """The cheapest model that is good enough for these tokens, where it is cheaper than what was used."""
        plain = accounting.plain(usage)
        offers = [
            (cost, each.name)
            for each in self._catalog.chat_models()
            if each.automatic and each.quality_for("default") >= self._threshold and model.kind == "chat"
            for cost in [_cost(plain, each, is_long=False)]
            if cost is not None
        ]
        cost, name = min(offers, default=(spent, ""))
        return (name, cost) if cost < spent else ("", spent)


def _digest(ask: Ask, body: Mapping[str, Any] | None = None) -> bytes:
    return fingerprint.fingerprint(ask, target=ask.model_requested, is_mock=False, secret=_SECRET, body=body)


def _usage(key: Key, tokens: list[int]) -> Usage:
    counts = TokenCounts(**dict(zip(_NAMES, tokens, strict=True)))
    return Usage(tokens=counts, service_tier=key.tier, speed=key.speed, geography=key.geography)


def _cost(usage: Usage, model: Model, *, is_long: bool) -> Decimal | None:
    """Of sums: whether prompts were long was said of each call, not of their sum."""
    sheet = model.prices
    rates = sheet.long_rates if is_long else sheet.rates
    return pricing.cost(usage, replace(sheet, rates=rates, long_rates={}, long_context_tokens=None)).amount


def _prompt_cache(key: Key, pile: Pile, model: Model) -> Decimal:
    """Had the beginnings that came again been read from the provider's cache."""
    here = (model.prices.long_rates if key.is_long else model.prices.rates).get(key.tier or "standard")
    if here is None or here.input is None or here.cache_read is None:
        return ZERO
    return pile.cacheable * (here.input - here.cache_read)


def _together(one: Priced, other: Priced) -> Priced:
    if one.spent is None or other.spent is None:
        # the part with a price stands for no whole
        return Priced(one.model, one.requests + other.requests, None)
    return Priced(
        one.model,
        one.requests + other.requests,
        one.spent + other.spent,
        one.repeated + other.repeated,
        one.prompt_cache + other.prompt_cache,
        one.elsewhere + other.elsewhere,
        one.better or other.better,
    )
