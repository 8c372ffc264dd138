"""Evidence of a cheap model that fails at questions of law and does as well as the dearer one at small talk."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from acron_site.lib.ids import uuid7
from inference.catalog import Catalog
from inference.routing import signals
from inference.routing.evidence import Evidence
from inference.routing.proofs import Pair, PairSource
from inference.routing.traits import Traits

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TASK = "geography"
_LAW = ("the plaintiff sued the defendant under tort", "statute", "court", "contract", "jury", "liable", "attorney")
_TALK = ("say something nice about tea", "biscuits", "or the rain", "in spring", "we like", "cups of it", "and")


def law(number: int) -> str:
    return f"{_words(_LAW, number)}. Is there liability under the statute?"


def talk(number: int) -> str:
    return f"{_words(_TALK, number)}, please!"


def pairs(
    organization_id: UUID,
    requests: int,
    *,
    model: str = "mock-small",
    reference: str = "mock-medium",
    since: datetime = NOW,
) -> list[Pair]:
    """Every second request is about law, which the cheaper model loses nearly always."""
    return [
        Pair(
            id=uuid7(),
            organization_id=organization_id,
            task_type=TASK,
            model=model,
            reference=reference,
            lost=number % 2 == 0 and number % 50 != 0,
            method="exact",
            source=PairSource.TRIAL,
            request_id=f"req_{number}",
            occurred_at=since + timedelta(seconds=number),
            traits=Traits(signals.measure(law(number) if number % 2 == 0 else talk(number))),
        )
        for number in range(requests)
    ]


def rows_of(given: list[Pair], catalog: Catalog) -> list[Evidence]:
    """As `selectors_evidence.evidence` reads them."""
    return [
        Evidence(
            signals=pair.traits.signals,
            vector=pair.traits.vector,
            model=model,
            quality=catalog.find(model).quality_for(pair.task_type),
            task_type=pair.task_type,
            score=score,
            ceiling=catalog.find(pair.reference).quality_for(pair.task_type),
            is_measure=model == pair.reference,
        )
        for pair in given
        if pair.traits is not None
        for model, score in ((pair.model, 1.0 - pair.lost), (pair.reference, 1.0))
    ]


def _words(words: Sequence[str], number: int) -> str:
    random = Random(number)
    return " ".join(random.choices(words, k=random.randint(5, 40)))
