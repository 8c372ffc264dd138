"""An organization's weights as they are kept."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from inference.routing import signals
from inference.routing.predictor import Head, OrganizationWeights, Own, Prior

# far beyond what is ever fitted; what is larger makes chances of 0 and 1 out of nothing
_LARGEST = 1_000.0


class GarbledWeightsError(Exception):
    """What is kept cannot have been written by us."""


def as_document(own: OrganizationWeights) -> dict[str, Any]:
    return asdict(own)


def read(document: Any, prior: Prior) -> OrganizationWeights:
    """Raises GarbledWeightsError."""
    try:
        found = OrganizationWeights(
            models={str(name): _own(each) for name, each in document["models"].items()},
            blind=_head(document["blind"]),
            seeing=None if document["seeing"] is None else _head(document["seeing"]),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise GarbledWeightsError(type(error).__name__) from error
    if not all(math.isfinite(number) and abs(number) <= _LARGEST for number in _numbers(found)):
        raise GarbledWeightsError("a number is out of range")
    width = len(signals.NAMES)
    if not _is_wide(found.blind, width) or (found.seeing and not _is_wide(found.seeing, width + len(prior.topics))):
        raise GarbledWeightsError("not as many numbers as signals and topics")
    return found


def _own(read: Mapping[str, Any]) -> Own:
    return Own(int(read["rows"]), float(read["intercept"]), _named(read["tasks"]), _named(read["ceilings"]))


def _named(read: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(number) for name, number in read.items()}


def _head(read: Mapping[str, Any]) -> Head:
    models = {str(name): tuple(map(float, weights)) for name, weights in read["models"].items()}
    return Head(tuple(map(float, read["shift"])), tuple(map(float, read["telling"])), models)


def _numbers(own: OrganizationWeights) -> Iterator[float]:
    for each in own.models.values():
        yield from (each.intercept, *each.tasks.values(), *each.ceilings.values())
    for head in (own.blind, own.seeing):
        if head is not None:
            yield from (*head.shift, *head.telling)
            for weights in head.models.values():
                yield from weights


def _is_wide(head: Head, width: int) -> bool:
    return all(len(weights) == width for weights in (head.shift, head.telling, *head.models.values()))
