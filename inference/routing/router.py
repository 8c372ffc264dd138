"""Chooses the model: the one asked for, or the cheapest that is good enough."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from accounts.principal import Principal
from acron_site.lib.errors import AcronError, NoModelsAvailableError, UnknownModelError
from inference import judging
from inference.catalog import Catalog, Model
from inference.domain import Ask, Format, Route, RoutingMode, Verify
from inference.resilience.latencies import AS_LISTED, TYPICAL
from inference.routing import cascading, explaining, offers, staying, tasks
from inference.routing.cascading import Priced
from inference.routing.grading import (
    UNGRADED,
    Grades,
    Limits,
    falls_short,
    grades_of,
    is_too_slow,
    lacks_quality,
)
from inference.routing.needs import Needs, needs_of
from inference.routing.offers import Offer
from inference.routing.predictor import Predictor
from inference.routing.proofs import NOTHING_PROVEN, Proof, Proofs
from inference.routing.staying import EARLIER, Earlier
from inference.routing.tasks import GENERAL, Detected

# what Guided's words mean (contract, section 4): a least quality of 5, a greatest typical latency
QUALITY = {"low": 2.5, "medium": 3.5, "high": 4.2, "max": 4.7}
LATENCY_MS = {"slow": None, "normal": 5000, "fast": 2000, "instant": 800}

HELD_OUT = "hold-out: measures what optimising saves"

# of a request that names its model: looking would cost it more than it is worth
_UNASKED = Detected(GENERAL, 1.0)
_NOTED = "task"
# under this name an ask carries what its organization has corrected before
CORRECTIONS = "corrections"


class ModelNotAllowedError(AcronError):
    status, code, type = 403, "model_not_allowed", "permission_error"


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
        self._offers = tuple(offer for offer in offers.offers(catalog) if not allowed or offer.model.is_one_of(allowed))
        self._models = [offer.model for offer in self._offers]
        self._named_offers = {offer.model.name: offer for offer in self._offers}
        self._good_enough: Callable[[Limits], tuple[Offer, ...]] = lru_cache(256)(self._filter)
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

    def route(
        self,
        ask: Ask,
        *,
        explain: bool = False,
        proofs: Proofs = NOTHING_PROVEN,
        predictor: Predictor | None = None,
    ) -> Route:
        """Raises NoModelsAvailableError with what to change when no model can serve the request."""
        model = self.resolve(ask)
        if model is None and ask.cascade is not None and ask.cascade.strong:
            model = self._named(ask.cascade.strong, ask.format, param="cascade.strong")
        if model is not None:
            return self._explicit(ask, model)
        return self._stayed(ask, self._cheapest(ask, proofs, predictor, explain=explain), predictor)

    def held_out(self, ask: Ask, baseline: str) -> Route | None:
        """The route of a request that is not optimised; None where the baseline model cannot serve it."""
        offer = self._named_offers.get(baseline)
        if offer is None:
            return None
        needs, limits = needs_of(ask.sketch), self._limits(ask)
        if not offers.fits(offer.model, needs, ask.format) or falls_short(offer.model, limits):
            return None
        if offer.is_over(ask.cost_budget_usd, needs):
            return None
        return Route(offer.model, ask.mode, HELD_OUT, limits.task_type)

    def on_trial(
        self, ask: Ask, reference: Model, proofs: Proofs, *, predictor: Predictor | None = None
    ) -> Model | None:
        """The model to be tried in place of `reference`: of the cheaper ones that are not taken to be good enough, the
        best that is neither proven nor hopeless yet."""
        limits = self._limits(ask)
        found = (
            offer.model
            for offer in self._cheaper(ask, limits, reference, grades=self._grades(ask, limits, predictor))
            if not (standing := proofs.between(limits.task_type, offer.model.name, reference.name)).is_proven
            and not standing.is_hopeless
        )
        return max(found, key=lambda model: model.quality_for(limits.task_type), default=None)

    def estimate_usd(self, ask: Ask, model: Model) -> Decimal | None:
        """What `model` would cost for it; None where a price is not known."""
        offer = offers.offer_of(model)
        return None if offer is None else offer.estimate_usd(needs_of(ask.sketch))

    def alternatives(self, ask: Ask, route: Route, *, predictor: Predictor | None = None) -> Iterator[Model]:
        """What may be tried in turn when the route's model fails.

        What the request names, what the catalogue names for the model, and for automatic choices the next best
        offers, one of another provider first: what fails often fails for all models of a provider.
        """
        named = [self._named(name, ask.format, param="acron.fallbacks") for name in ask.fallbacks]
        listed = [self.catalog.find(name) for name in route.model.fallbacks]
        found = [*named, *(model for model in listed if self._may_use(model, ask.format))]
        if route.mode is not RoutingMode.EXPLICIT:
            found += self._next_best(ask, route.model, predictor)
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
        strong = offers.offer_of(route.model)  # which is none of ours where it is named but never chosen
        if strong is None:
            return ()
        cheap = self._priced(named, needs, limits, ask.format)
        is_judged, reading = cascade.verify is Verify.JUDGE, judging.needs_to_judge(needs)
        able = self._priced(judges, reading, limits, Format.CHAT) if is_judged else ()
        return cascading.first_asked(cascade, cheap, strong.priced(needs, limits), limits.latency_ms, judges=able)

    def _priced(self, named: Sequence[Model], needs: Needs, limits: Limits, wanted: Format) -> list[Priced]:
        """What can do it, whatever its quality, the cheapest first; where some are named, those that have a price."""
        fitting = (
            each
            for each in self._offers
            if offers.fits(each.model, needs, wanted) and not is_too_slow(each.model, limits)
        )
        able = filter(None, map(offers.offer_of, named)) if named else fitting
        return sorted((each.priced(needs, limits) for each in able), key=lambda each: each.estimate)

    def _next_best(self, ask: Ask, failed: Model, predictor: Predictor | None) -> list[Model]:
        needs, limits = needs_of(ask.sketch), self._limits(ask)
        grades = self._grades(ask, limits, predictor)
        able = [*self._able(limits, grades), *(self._good_enough(limits) if grades else ())]
        fitting = [offer for offer in able if offers.fits(offer.model, needs, ask.format)]
        affordable = [offer for offer in fitting if not offer.is_over(ask.cost_budget_usd, needs)]
        affordable.sort(
            key=lambda offer: (
                lacks_quality(offer.model, limits, grades),
                offer.model.provider == failed.provider,
                offer.estimate(needs),
            )
        )
        return [offer.model for offer in affordable]

    def _named(self, name: str, wanted: Format, *, param: str) -> Model:
        model = self.catalog.find(name, param=param)
        if model.kind not in wanted.kinds:
            raise UnknownModelError(explaining.wrong_kind(model, wanted), param=param)
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

    def _cheapest(self, ask: Ask, proofs: Proofs, predictor: Predictor | None, *, explain: bool) -> Route:
        needs, limits = needs_of(ask.sketch), self._limits(ask)
        grades = self._grades(ask, limits, predictor)
        best = self._best(ask, needs, limits, grades=grades)
        candidates = explaining.candidates(self._offers, ask, limits, grades=grades) if explain else ()
        if best is not None and (known := proofs.of(limits.task_type)):
            proven = self._proven(ask, best, limits, known=known, grades=grades)
            if proven is not None:
                return replace(proven, candidates=candidates)
        if best is None or best.is_over(ask.cost_budget_usd, needs):
            raise NoModelsAvailableError(explaining.advice(self._offers, ask, limits, allowed=self.allowed))
        route = self._chosen(ask, best.model, limits, grades=grades)
        return replace(route, candidates=candidates) if candidates else route

    def _stayed(self, ask: Ask, chosen: Route, predictor: Predictor | None) -> Route:
        """With the model that answered the conversation before, where it can serve this turn and that pays."""
        earlier: Earlier | None = ask.noted.get(EARLIER)
        offer = None if earlier is None else self._named_offers.get(earlier.model)
        if earlier is None or offer is None or offer.model.name == chosen.model.name:
            return chosen
        needs, limits = needs_of(ask.sketch), self._limits(ask)
        grades = self._grades(ask, limits, predictor)
        is_able = offers.fits(offer.model, needs, ask.format) and not falls_short(offer.model, limits, grades)
        if not is_able or offer.is_over(ask.cost_budget_usd, needs):
            return chosen
        if staying.holds_thoughts(ask) or staying.pays(
            ask, offer.model, chosen.model, needs=needs, is_warm=earlier.is_warm
        ):
            route = self._chosen(ask, offer.model, limits, grades=grades)
            return replace(route, reason=staying.REASON.format(offer.model.name), candidates=chosen.candidates)
        return chosen

    def _best(self, ask: Ask, needs: Needs, limits: Limits, *, grades: Grades) -> Offer | None:
        """The cheapest that is good enough. No prediction refuses what the catalogue would have answered: then it is
        the one that comes nearest."""
        best = offers.cheapest(self._able(limits, grades), needs, ask.format)
        if not grades or (best is not None and not best.is_over(ask.cost_budget_usd, needs)):
            return best
        left = [
            offer
            for offer in self._good_enough(limits)
            if offer.model.name in grades
            and offers.fits(offer.model, needs, ask.format)
            and not offer.is_over(ask.cost_budget_usd, needs)
        ]
        return max(left, key=lambda offer: grades[offer.model.name].quality, default=best)

    def _chosen(self, ask: Ask, model: Model, limits: Limits, *, grades: Grades) -> Route:
        task, reason = _task(ask), explaining.reason(model, limits, grades)
        dearer = self._spared(ask, model, limits, grades=grades)
        return Route(model, ask.mode, reason, task.task_type, task.confidence, in_place_of=dearer)

    def _spared(self, ask: Ask, model: Model, limits: Limits, *, grades: Grades) -> Model | None:
        """What the catalogue would have had in place of `model`, to be compared with; None where that is no better, and
        where a cascade compares already."""
        if not grades or ask.cascade is not None or not lacks_quality(model, limits):
            return None
        good = [offer for offer in self._good_enough(limits) if not lacks_quality(offer.model, limits, grades)]
        spared = offers.cheapest(good, needs_of(ask.sketch), ask.format)
        return None if spared is None else spared.model

    def _grades(self, ask: Ask, limits: Limits, predictor: Predictor | None) -> Grades:
        if predictor is None or ask.mode is not RoutingMode.AUTOPILOT:
            return UNGRADED
        return grades_of(ask, self._models, limits.task_type, predictor=predictor)

    def _able(self, limits: Limits, grades: Grades) -> Sequence[Offer]:
        """Those that are good enough, and quick enough."""
        if not grades:
            return self._good_enough(limits)
        return [offer for offer in self._offers if not falls_short(offer.model, limits, grades)]

    def _proven(
        self, ask: Ask, best: Offer, limits: Limits, *, known: tuple[Proof, ...], grades: Grades
    ) -> Route | None:
        """The cheapest of the models that are proven to do as well as one which is good enough itself."""
        if ask.mode is not RoutingMode.AUTOPILOT:
            return None
        good = {offer.model.name for offer in self._offers if not lacks_quality(offer.model, limits, grades)}
        proofs = {proof.model: proof for proof in known if proof.standing.is_proven and proof.reference in good}
        needs = needs_of(ask.sketch)
        cheaper = self._cheaper(ask, limits, best.model, grades=grades)
        fitting = [offer for offer in cheaper if offer.model.name in proofs]
        offer = min(fitting, key=lambda offer: offer.estimate(needs), default=None)
        if offer is None or offer.is_over(ask.cost_budget_usd, needs):
            return None
        standing = proofs[offer.model.name].standing
        reason = f"proven for {limits.task_type}: {standing.losses} of {standing.pairs} differed"
        reference = self.catalog.find(proofs[offer.model.name].reference)
        return Route(offer.model, ask.mode, reason, limits.task_type, in_place_of=reference)

    def _cheaper(self, ask: Ask, limits: Limits, reference: Model, *, grades: Grades) -> Iterator[Offer]:
        """What could serve the request but for its quality, and costs less."""
        needs, dear = needs_of(ask.sketch), self._named_offers.get(reference.name)
        if dear is None:
            return
        for offer in self._offers:
            is_able = offers.fits(offer.model, needs, ask.format) and not is_too_slow(offer.model, limits)
            if is_able and offer.estimate(needs) < dear.estimate(needs) and lacks_quality(offer.model, limits, grades):
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

    def _limits(self, ask: Ask) -> Limits:
        wanted = ask.quality_threshold
        if wanted is None:
            wanted = QUALITY.get(ask.quality_preference, self._threshold)
        quality = wanted + self._margin if ask.mode is RoutingMode.AUTOPILOT else wanted
        latency = ask.latency_budget_ms or LATENCY_MS.get(ask.latency_preference)
        return Limits(quality, latency, _task(ask).task_type, wanted, ask.noted.get(TYPICAL, AS_LISTED))

    def _filter(self, limits: Limits) -> tuple[Offer, ...]:
        return tuple(offer for offer in self._offers if not falls_short(offer.model, limits))


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
