"""Chooses the model: the one asked for, or the cheapest that is good enough."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from accounts.principal import Principal
from acron_site.lib.errors import AcronError, NoModelsAvailableError, UnknownModelError
from inference import judging, pricing
from inference.catalog import Catalog, Model
from inference.domain import Ask, Candidate, Format, Route, RoutingMode, Verify
from inference.resilience.latencies import AS_LISTED, TYPICAL, Typical
from inference.routing import cascading, tasks
from inference.routing.cascading import Priced
from inference.routing.needs import Needs, needs_of
from inference.routing.proofs import NOTHING_PROVEN, Proof, Proofs
from inference.routing.tasks import GENERAL, Detected

# what Guided's words mean (contract, section 4): a least quality of 5, a greatest typical latency
QUALITY = {"low": 2.5, "medium": 3.5, "high": 4.2, "max": 4.7}
LATENCY_MS = {"slow": None, "normal": 5000, "fast": 2000, "instant": 800}

HELD_OUT = "hold-out: measures what optimising saves"

_SHOWN_CANDIDATES = 12
# the dialect whose own a format is
_NATIVE = {Format.MESSAGES: "anthropic", Format.RESPONSES: "openai"}
# of a request that names its model: looking would cost it more than it is worth
_UNASKED = Detected(GENERAL, 1.0)
_NOTED = "task"
# under this name an ask carries what its organization has corrected before
CORRECTIONS = "corrections"
# prices are compared as whole numbers: exact, and much quicker than Decimal
_PARTS_PER_DOLLAR = 10**15


class ModelNotAllowedError(AcronError):
    status, code, type = 403, "model_not_allowed", "permission_error"


@dataclass(frozen=True, slots=True)
class _Offer:
    """A model with its price in 10^-15 USD per token."""

    model: Model
    input_price: int
    output_price: int

    def estimate(self, needs: Needs) -> int:
        return needs.input_tokens * self.input_price + needs.output_tokens * self.output_price


@dataclass(frozen=True, slots=True)
class _Limits:
    quality: float
    latency_ms: int | None
    task_type: str
    typical: Typical = AS_LISTED


class Router:
    """Pure: the same catalogue and request give the same choice in every worker."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        default_quality_threshold: float,
        allowed: frozenset[str] = frozenset(),
        prior_margin: float = 0.0,
    ) -> None:
        self.catalog = catalog
        self._margin = prior_margin  # by which a model must be better than wanted while nothing is proven of it
        self.allowed = allowed  # names of the models that may be used; empty: all
        self._threshold = default_quality_threshold
        self._offers = tuple(offer for offer in _offers(catalog) if not allowed or offer.model.is_one_of(allowed))
        self._named_offers = {offer.model.name: offer for offer in self._offers}
        self._good_enough: Callable[[_Limits], tuple[_Offer, ...]] = lru_cache(256)(self._filter)
        self._by_own_keys: Callable[[frozenset[str]], Router] = lru_cache(64)(self._made_for)
        self._by_allowed: Callable[[frozenset[str]], Router] = lru_cache(256)(self._restricted_to)

    def serving(self, principal: Principal) -> "Router":
        """An organization's own keys open models that this installation has no key for; an API key may close some."""
        router = self.with_own_keys(principal.own_providers) if principal.provider_keys else self
        rules = principal.rules
        return router if rules is None or not rules.models else router.restricted_to(rules.models)

    def with_own_keys(self, providers: frozenset[str]) -> "Router":
        """The router of an organization that has keys of its own at these providers."""
        return self._by_own_keys(providers)

    def restricted_to(self, allowed: frozenset[str]) -> "Router":
        """The router of a key that may use these models only."""
        return self._by_allowed(allowed)

    def resolve(self, ask: Ask) -> Model | None:
        """The model an Explicit request names; None when one is to be chosen.

        Raises UnknownModelError or ModelNotAllowedError, for the models it names as fallbacks too.
        """
        for name in ask.fallbacks:
            self._named(name, ask.format, param="acron.fallbacks")
        if ask.cascade is not None:
            cascading.require_usable(ask, ask.cascade, self._named)
        if ask.mode is not RoutingMode.EXPLICIT:
            return None
        return self._named(ask.model_requested, ask.format, param="model")

    def route(self, ask: Ask, *, explain: bool = False, proofs: Proofs = NOTHING_PROVEN) -> Route:
        """Raises NoModelsAvailableError with what to change when no model can serve the request."""
        model = self.resolve(ask)
        if model is None and ask.cascade is not None and ask.cascade.strong:
            model = self._named(ask.cascade.strong, ask.format, param="cascade.strong")
        return self._explicit(ask, model) if model else self._cheapest(ask, proofs, explain=explain)

    def held_out(self, ask: Ask, baseline: str) -> Route | None:
        """The route of a request that is not optimised; None where the baseline model cannot serve it."""
        offer = self._named_offers.get(baseline)
        if offer is None:
            return None
        needs, limits = needs_of(ask.sketch), self._limits(ask)
        if not _fits(offer.model, needs, ask.format) or _shortfall(offer.model, limits):
            return None
        if _over_budget(offer, needs, ask.cost_budget_usd):
            return None
        return Route(offer.model, ask.mode, HELD_OUT, limits.task_type)

    def on_trial(self, ask: Ask, reference: Model, proofs: Proofs) -> Model | None:
        """The model to be tried in place of `reference`: of the cheaper ones that are not good enough by the
        catalogue, the best that is neither proven nor hopeless yet."""
        limits = self._limits(ask)
        found = (
            offer.model
            for offer in self._cheaper(ask, limits, reference)
            if not (standing := proofs.between(limits.task_type, offer.model.name, reference.name)).is_proven
            and not standing.is_hopeless
        )
        return max(found, key=lambda model: model.quality_for(limits.task_type), default=None)

    def alternatives(self, ask: Ask, route: Route) -> Iterator[Model]:
        """What may be tried in turn when the route's model fails.

        What the request names, what the catalogue names for the model, and for automatic choices the next best
        offers, one of another provider first: what fails often fails for all models of a provider.
        """
        named = [self._named(name, ask.format, param="acron.fallbacks") for name in ask.fallbacks]
        listed = [self.catalog.find(name) for name in route.model.fallbacks]
        found = [*named, *(model for model in listed if self._may_use(model, ask.format))]
        if route.mode is not RoutingMode.EXPLICIT:
            found += self._next_best(ask, route.model)
        seen = {route.model.name}
        for model in found:
            if model.is_available and model.name not in seen:
                seen.add(model.name)
                yield model

    def asked_first(self, ask: Ask, route: Route) -> Sequence[Model]:
        """Who is asked before the route's model in a cascade, a judge last; () where that would not pay."""
        cascade = ask.cascade
        if cascade is None:
            return ()
        named = [self._named(name, ask.format, param="cascade.models") for name in cascade.models]
        judges = cascading.judges_named(cascade, self._named)
        if cascade.names_all:
            return [*named * cascade.times, *judges]
        needs, limits = needs_of(ask.sketch), self._limits(ask)
        strong = _offer(route.model)  # which is none of ours where it is named but never chosen
        if strong is None:
            return ()
        cheap = self._able(named, needs, limits, ask.format)
        is_judged, reading = cascade.verify is Verify.JUDGE, judging.needs_to_judge(needs)
        able = self._able(judges, reading, limits, Format.CHAT) if is_judged else ()
        return cascading.first_asked(cascade, cheap, _priced(strong, needs, limits), limits.latency_ms, judges=able)

    def _able(self, named: Sequence[Model], needs: Needs, limits: _Limits, wanted: Format) -> list[Priced]:
        """What can do it, whatever its quality, the cheapest first; where some are named, those that have a price."""
        fitting = (each for each in self._offers if not _obstacle(each.model, needs, _any_quality(limits), wanted))
        offers = filter(None, map(_offer, named)) if named else fitting
        return sorted((_priced(each, needs, limits) for each in offers), key=lambda each: each.estimate)

    def _next_best(self, ask: Ask, failed: Model) -> list[Model]:
        needs = needs_of(ask.sketch)
        fitting = [offer for offer in self._good_enough(self._limits(ask)) if _fits(offer.model, needs, ask.format)]
        affordable = [offer for offer in fitting if not _over_budget(offer, needs, ask.cost_budget_usd)]
        affordable.sort(key=lambda offer: (offer.model.provider == failed.provider, offer.estimate(needs)))
        return [offer.model for offer in affordable]

    def _named(self, name: str, wanted: Format, *, param: str) -> Model:
        model = self.catalog.find(name, param=param)
        if model.kind not in wanted.kinds:
            raise UnknownModelError(_wrong_kind(model, wanted), param=param)
        if self.allowed and not model.is_one_of(self.allowed):
            raise ModelNotAllowedError(
                f"this key may not use {model.name}; it may use {', '.join(sorted(self.allowed))}", param=param
            )
        return model

    def _may_use(self, model: Model, wanted: Format) -> bool:
        return model.kind in wanted.kinds and (not self.allowed or model.is_one_of(self.allowed))

    def _explicit(self, ask: Ask, model: Model) -> Route:
        if model.is_available:
            return Route(model=model, mode=ask.mode, reason="the model was asked for", task_type=_task(ask).task_type)
        for other in self.alternatives(ask, Route(model, ask.mode, "")):
            reason = f"fallback: {model.name} is not available here"
            return Route(model=other, mode=ask.mode, reason=reason, task_type=_task(ask).task_type)
        raise NoModelsAvailableError(
            f"the model {model.name} is not available here: {model.unavailable_because}", param="model"
        )

    def _cheapest(self, ask: Ask, proofs: Proofs, *, explain: bool) -> Route:
        needs, limits = needs_of(ask.sketch), self._limits(ask)
        best: _Offer | None = None
        for offer in self._good_enough(limits):
            if _fits(offer.model, needs, ask.format) and (best is None or offer.estimate(needs) < best.estimate(needs)):
                best = offer
        candidates = tuple(self._candidates(needs, limits, ask.format)) if explain else ()
        if best is not None and (known := proofs.of(limits.task_type)):
            proven = self._proven(ask, best, limits, known)
            if proven is not None:
                return replace(proven, candidates=candidates)
        if best is None or _over_budget(best, needs, ask.cost_budget_usd):
            raise NoModelsAvailableError(self._advice(limits, needs, ask.cost_budget_usd))
        reason = f"cheapest of the models with quality >= {limits.quality:g}"
        task = _task(ask)
        return Route(best.model, ask.mode, reason, task.task_type, task.confidence, candidates)

    def _proven(self, ask: Ask, best: _Offer, limits: _Limits, known: tuple[Proof, ...]) -> Route | None:
        """The cheapest of the models that are proven to do as well as one which is good enough by the catalogue."""
        if ask.mode is not RoutingMode.AUTOPILOT:
            return None
        good = {offer.model.name for offer in self._offers if not _lacks_quality(offer.model, limits)}
        proofs = {proof.model: proof for proof in known if proof.standing.is_proven and proof.reference in good}
        needs = needs_of(ask.sketch)
        fitting = [offer for offer in self._cheaper(ask, limits, best.model) if offer.model.name in proofs]
        offer = min(fitting, key=lambda offer: offer.estimate(needs), default=None)
        if offer is None or _over_budget(offer, needs, ask.cost_budget_usd):
            return None
        standing = proofs[offer.model.name].standing
        reason = f"proven for {limits.task_type}: {standing.losses} of {standing.pairs} differed"
        reference = self.catalog.find(proofs[offer.model.name].reference)
        return Route(offer.model, ask.mode, reason, limits.task_type, in_place_of=reference)

    def _cheaper(self, ask: Ask, limits: _Limits, reference: Model) -> Iterator[_Offer]:
        """What could serve the request but for its quality, and costs less."""
        needs, dear = needs_of(ask.sketch), self._named_offers.get(reference.name)
        if dear is None:
            return
        for offer in self._offers:
            is_able = _fits(offer.model, needs, ask.format) and not _is_too_slow(offer.model, limits)
            if is_able and offer.estimate(needs) < dear.estimate(needs) and _lacks_quality(offer.model, limits):
                yield offer

    def _made_for(self, providers: frozenset[str]) -> "Router":
        return Router(
            self.catalog.with_own_keys(providers),
            default_quality_threshold=self._threshold,
            prior_margin=self._margin,
        )

    def _restricted_to(self, allowed: frozenset[str]) -> "Router":
        return Router(
            self.catalog, default_quality_threshold=self._threshold, allowed=allowed, prior_margin=self._margin
        )

    def _limits(self, ask: Ask) -> _Limits:
        quality = ask.quality_threshold
        if quality is None:
            quality = QUALITY.get(ask.quality_preference, self._threshold)
        if ask.mode is RoutingMode.AUTOPILOT:
            quality += self._margin
        latency = ask.latency_budget_ms or LATENCY_MS.get(ask.latency_preference)
        return _Limits(quality, latency, _task(ask).task_type, ask.noted.get(TYPICAL, AS_LISTED))

    def _filter(self, limits: _Limits) -> tuple[_Offer, ...]:
        return tuple(offer for offer in self._offers if not _shortfall(offer.model, limits))

    def _candidates(self, needs: Needs, limits: _Limits, wanted: Format) -> Iterator[Candidate]:
        ranked = sorted(
            self._offers,
            key=lambda offer: (bool(_obstacle(offer.model, needs, limits, wanted)), offer.estimate(needs)),
        )
        for offer in ranked[:_SHOWN_CANDIDATES]:
            yield Candidate(
                model=offer.model.name,
                quality=offer.model.quality_for(limits.task_type),
                estimated_cost_usd=Decimal(offer.estimate(needs)) / _PARTS_PER_DOLLAR,
                estimated_latency_ms=limits.typical.latency_ms(offer.model),
                measured=limits.typical.paces.get(offer.model.name),
                excluded_because=_obstacle(offer.model, needs, limits, wanted),
            )

    def _advice(self, limits: _Limits, needs: Needs, budget: Decimal | None) -> str:
        if not self._offers and self.allowed:
            return (
                f"none of the models that this key may use ({', '.join(sorted(self.allowed))}) can be chosen "
                "automatically here; name one of them as the model, or allow the key others under /keys"
            )
        if not self._offers:
            return (
                "no model is available: set OPENAI_API_KEY or ANTHROPIC_API_KEY, "
                "or let the mock provider answer with ASAHI_PROVIDERS_MOCK=true"
            )
        wanted = [f"quality >= {limits.quality:g}"]
        wanted += [f"typical latency <= {limits.latency_ms} ms"] if limits.latency_ms else []
        wanted += [f"cost <= {budget} USD"] if budget is not None else []
        wanted += sorted(needs.capabilities)
        return (
            f"no available model offers {', '.join(wanted)} for {needs.input_tokens} input tokens; relax one of these"
        )


def _offers(catalog: Catalog) -> Iterator[_Offer]:
    for model in catalog.chat_models():
        if model.is_available and model.automatic and (offer := _offer(model)) is not None:
            yield offer


def _offer(model: Model) -> _Offer | None:
    """None where a price is not known."""
    prices = [pricing.estimate_cost(model, 1, 0), pricing.estimate_cost(model, 0, 1)]
    if None in prices:
        return None
    return _Offer(model, *(int(price * _PARTS_PER_DOLLAR) for price in prices if price is not None))


def _task(ask: Ask) -> Detected:
    """What the request says of itself; else what it looks like, where that is of consequence for the choice."""
    if ask.task_type:
        return Detected(ask.task_type, 1.0)
    if ask.mode is RoutingMode.EXPLICIT:
        return _UNASKED
    found: Detected | None = ask.noted.get(_NOTED)
    if found is None:
        found = ask.noted[_NOTED] = tasks.detect(ask.sketch, corrections=ask.noted.get(CORRECTIONS, ()))
    return found


def _lacks_quality(model: Model, limits: _Limits) -> bool:
    return model.quality_for(limits.task_type) < limits.quality


def _is_too_slow(model: Model, limits: _Limits) -> bool:
    return limits.latency_ms is not None and limits.typical.latency_ms(model) > limits.latency_ms


def _shortfall(model: Model, limits: _Limits) -> str:
    if _lacks_quality(model, limits):
        return f"quality {model.quality_for(limits.task_type):g} is below {limits.quality:g}"
    if _is_too_slow(model, limits):
        return f"typical latency {limits.typical.latency_ms(model)} ms is above {limits.latency_ms} ms"
    return ""


def _obstacle(model: Model, needs: Needs, limits: _Limits, wanted: Format) -> str:
    if missing := needs.capabilities - model.capabilities:
        return f"cannot do {', '.join(sorted(missing))}"
    if needs.is_native_only and not _speaks(model, wanted):
        return "its provider does not speak this format itself, and the request needs that"
    if not _has_room(model, needs):
        return f"{needs.input_tokens} input tokens do not fit its context"
    return _shortfall(model, limits)


def _fits(model: Model, needs: Needs, wanted: Format) -> bool:
    is_spoken = not needs.is_native_only or _speaks(model, wanted)
    return is_spoken and _has_room(model, needs) and needs.capabilities <= model.capabilities


def _has_room(model: Model, needs: Needs) -> bool:
    return not model.context_window or needs.input_tokens < model.context_window


def _speaks(model: Model, wanted: Format) -> bool:
    """Whether the format is its provider's own, so that nothing is lost in translation."""
    return _NATIVE.get(wanted, model.answered_by) == model.answered_by


def _wrong_kind(model: Model, wanted: Format) -> str:
    if model.kind == "responses":
        return f"{model.name} is served at POST /v1/responses only; send it there, or choose another model"
    if model.kind == "embedding":
        return f"{model.name} makes embeddings: send it to POST /v1/embeddings"
    what = "embedding" if wanted is Format.EMBEDDINGS else "chat"
    return f"{model.name} is no {what} model; GET /v1/models lists those that are"


def _any_quality(limits: _Limits) -> _Limits:
    return replace(limits, quality=0.0)


def _priced(offer: _Offer, needs: Needs, limits: _Limits) -> Priced:
    model, latency_ms = offer.model, limits.typical.latency_ms(offer.model)
    return Priced(model, offer.estimate(needs), model.quality_for(limits.task_type), latency_ms)


def _over_budget(offer: _Offer, needs: Needs, budget: Decimal | None) -> bool:
    return budget is not None and offer.estimate(needs) > budget * _PARTS_PER_DOLLAR
