"""What people are told of a choice: why it fell so, what else there was, and what to change where there was nothing."""

from collections.abc import Collection, Sequence

from inference.catalog import Model
from inference.domain import Ask, Candidate, Format
from inference.routing import offers
from inference.routing.grading import Grades, Limits, lacks_quality, shortfall
from inference.routing.needs import Needs, needs_of
from inference.routing.offers import Offer

_SHOWN_CANDIDATES = 12


def reason(model: Model, limits: Limits, grades: Grades) -> str:
    """Of a model that was chosen."""
    grade = grades.get(model.name)
    if grade is None:
        return f"cheapest of the models with quality >= {limits.quality:g}"
    if lacks_quality(model, limits, grades):
        return f"none is predicted good enough: the best of the models with quality >= {limits.quality:g}"
    return f"predicted good enough ({grade.quality:.1f} of 5) and cheapest"


def candidates(offered: Sequence[Offer], ask: Ask, limits: Limits, *, grades: Grades) -> tuple[Candidate, ...]:
    """Those that could have been chosen first, the cheapest in front."""
    needs = needs_of(ask.sketch)
    obstacles = {
        offer.model.name: offers.misfit(offer.model, needs, ask.format) or shortfall(offer.model, limits, grades)
        for offer in offered
    }
    ranked = sorted(offered, key=lambda offer: (bool(obstacles[offer.model.name]), offer.estimate(needs)))
    return tuple(
        _candidate(offer, needs, limits, obstacle=obstacles[offer.model.name], grades=grades)
        for offer in ranked[:_SHOWN_CANDIDATES]
    )


def advice(offered: Sequence[Offer], ask: Ask, limits: Limits, *, allowed: Collection[str]) -> str:
    """What to change where no model can serve the request."""
    if not offered and allowed:
        return (
            f"none of the models that this key may use ({', '.join(sorted(allowed))}) can be chosen "
            "automatically here; name one of them as the model, or allow the key others under /keys"
        )
    if not offered:
        return (
            "no model is available: set OPENAI_API_KEY or ANTHROPIC_API_KEY, "
            "or let the mock provider answer with ASAHI_PROVIDERS_MOCK=true"
        )
    needs = needs_of(ask.sketch)
    wanted = [f"quality >= {limits.quality:g}"]
    wanted += [f"typical latency <= {limits.latency_ms} ms"] if limits.latency_ms else []
    wanted += [f"cost <= {ask.cost_budget_usd} USD"] if ask.cost_budget_usd is not None else []
    wanted += sorted(needs.capabilities)
    return f"no available model offers {', '.join(wanted)} for {needs.input_tokens} input tokens; relax one of these"


def wrong_kind(model: Model, wanted: Format) -> str:
    if model.kind == "responses":
        return f"{model.name} is served at POST /v1/responses only; send it there, or choose another model"
    if model.kind == "embedding":
        return f"{model.name} makes embeddings: send it to POST /v1/embeddings"
    what = "embedding" if wanted is Format.EMBEDDINGS else "chat"
    return f"{model.name} is no {what} model; GET /v1/models lists those that are"


def _candidate(offer: Offer, needs: Needs, limits: Limits, *, obstacle: str, grades: Grades) -> Candidate:
    grade = grades.get(offer.model.name)
    return Candidate(
        model=offer.model.name,
        quality=offer.model.quality_for(limits.task_type),
        estimated_cost_usd=offer.estimate_usd(needs),
        estimated_latency_ms=limits.typical.latency_ms(offer.model),
        measured=limits.typical.paces.get(offer.model.name),
        excluded_because=obstacle,
        predicted_quality=None if grade is None else grade.quality,
        chance=None if grade is None else grade.chance,
    )
