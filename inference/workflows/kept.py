"""Tier 3 of a step: where its answer lies, whether it may be given, and what is kept of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from analytics.events import CostStatus
from caching import steps
from caching.exact import Entry
from caching.step_store import StepCache
from caching.steps import UNKNOWN, Recipe, Snapshot
from inference import keeping, notes, stamps
from inference.domain import Answer, CacheStatus, Usage
from inference.facts import Visit
from inference.notes import Note
from inference.wire import openai

TIER = 3
# part of every key: raise it when a step's output is made of its answer in another way
_OUTPUT_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Found:
    """A step that was answered before, and what it was computed under."""

    entry: Entry
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Place:
    """One step on its way, with its own tags, the snapshots of the steps before it, and whether any of them has tags.

    The visit's fingerprint holds all that shapes the step: its texts with the outputs of others in place, settings,
    format, whether it is simulated.
    """

    visit: Visit
    tags: frozenset[str]
    after: Sequence[Snapshot]
    is_tagged: bool

    @property
    def is_open(self) -> bool:
        return TIER in self.visit.ask.controls.tiers


class KeptSteps:
    """A step's place in the cache is open to whom the exact tier is open: the same policies, walls and controls."""

    def __init__(self, cache: StepCache, *, secret: bytes) -> None:
        self._cache, self._secret = cache, secret

    async def find(self, place: Place) -> Found | None:
        visit = place.visit
        if not visit.reads or not place.is_open:
            return None
        found = await self._cache.look_up(visit.namespace, self._key(visit), tags=place.tags, after=place.after)
        if found is None or _is_too_old(visit, found.stored_at):
            return None
        return Found(Entry(found.note, found.body, found.stored_at), found.snapshot)

    async def begin(self, place: Place) -> Snapshot:
        """What the step is computed under; also for one that is not kept itself, as others build on it."""
        if not place.is_open:
            return UNKNOWN
        return await self._cache.begin(place.visit.namespace, tags=place.tags, after=place.after)

    def keep(self, place: Place, snapshot: Snapshot, answer: Answer) -> None:
        visit, facts = place.visit, answer.facts
        if not place.is_open or _is_doubtful(place, answer):
            return
        usage = Usage(tokens=facts.tokens, is_estimate=facts.cost_status is CostStatus.ESTIMATED)
        completion = openai.completion_of(orjson.loads(answer.body), answer.body, usage)
        if keeping.why_not_kept(visit, facts.model, completion):
            return
        note = Note(facts.model, facts.provider, usage, facts.task_type, stamps.find(answer.body, visit.ask))
        self._cache.keep(
            visit.namespace,
            self._key(visit),
            snapshot=snapshot,
            note=notes.write(note),
            body=answer.body,
            ttl_seconds=visit.ttl_seconds,
        )

    def _key(self, visit: Visit) -> bytes:
        recipe = Recipe(visit.fingerprint, visit.target, b"", code_version=_OUTPUT_VERSION)
        return steps.step_key(visit.namespace, recipe, secret=self._secret)


def _is_doubtful(place: Place, answer: Answer) -> bool:
    """A call that somebody else began may be older than the tags' last invalidation."""
    return place.is_tagged and answer.facts.cache_status == CacheStatus.COALESCED


def _is_too_old(visit: Visit, stored_at: float) -> bool:
    most = visit.ask.controls.max_age_seconds
    return most is not None and time.time() - stored_at > most
