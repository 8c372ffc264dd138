"""How good models are taken to be for one request: as the catalogue has it, or as predicted where that is earned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from inference.catalog import Model
from inference.domain import Ask
from inference.resilience.latencies import AS_LISTED, Typical
from inference.routing import traits
from inference.routing.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request asks of a model beside what it needs. `quality`: what the catalogue's figure must reach, which may
    be more than is `wanted`, as long as nothing is known."""

    quality: float
    latency_ms: int | None
    task_type: str
    wanted: float
    typical: Typical = AS_LISTED


@dataclass(frozen=True, slots=True)
class Grade:
    """What is predicted of a model for one request. `quality` is that which it has without doubt, on the catalogue's
    scale; `chance` is that of an answer that is good enough."""

    quality: float
    chance: float


Grades = Mapping[str, Grade]
UNGRADED: Grades = MappingProxyType({})


def grades_of(ask: Ask, models: Sequence[Model], task_type: str, *, predictor: Predictor) -> Grades:
    """Of the models that its organization has rows of its own for, by name."""
    known = [model for model in models if predictor.knows(model)]
    if not known:
        return UNGRADED
    seen = traits.traits_of(ask)
    found = predictor.predict(seen.signals, seen.vector, task_type=task_type, models=known)
    return {
        model.name: Grade(
            max(0.0, min(each.quality - each.spread, predictor.ceiling(model, task_type))),
            each.chance,
        )
        for model, each in zip(known, found, strict=True)
    }


def lacks_quality(model: Model, limits: Limits, grades: Grades = UNGRADED) -> bool:
    grade = grades.get(model.name)
    if grade is None:
        return model.quality_for(limits.task_type) < limits.quality
    return grade.quality < limits.wanted


def is_too_slow(model: Model, limits: Limits) -> bool:
    return limits.latency_ms is not None and limits.typical.latency_ms(model) > limits.latency_ms


def falls_short(model: Model, limits: Limits, grades: Grades = UNGRADED) -> bool:
    return lacks_quality(model, limits, grades) or is_too_slow(model, limits)


def shortfall(model: Model, limits: Limits, grades: Grades = UNGRADED) -> str:
    """What it lacks, in words; "" where it is good enough."""
    grade = grades.get(model.name)
    if grade is None and lacks_quality(model, limits):
        return f"quality {model.quality_for(limits.task_type):g} is below {limits.quality:g}"
    if grade is not None and lacks_quality(model, limits, grades):
        return f"predicted quality {grade.quality:.1f} is below {limits.wanted:g}"
    if is_too_slow(model, limits):
        return f"typical latency {limits.typical.latency_ms(model)} ms is above {limits.latency_ms} ms"
    return ""
