"""Puts whole answers where they may be found again, and their words where the organization wants them."""

import time

import orjson

from acron_site.lib.errors import InvalidRequestError
from analytics.content import Content, ContentKeeper, Nowhere
from analytics.events import EventKind, InferenceFacts
from caching.cards import PREVIEW_CHARACTERS
from caching.exact import Entry, ExactCache
from caching.protocols import Label
from caching.semantic import Served
from inference import keeping, notes, question, stamps
from inference.calling import Completed
from inference.domain import Ask, Completion, Route
from inference.facts import Visit
from inference.similar import Similar


class Keeper:
    """What becomes of an answer beside its way to the caller. None of it is waited for."""

    def __init__(self, cache: ExactCache, similar: Similar, content: ContentKeeper | None = None) -> None:
        self._cache, self._similar, self._content = cache, similar, content or Nowhere()

    def compared(self, visit: Visit, whole: Completed, served: Served) -> None:
        """Takes an answer that was asked for although a neighbour's was given."""
        self.completed(visit, whole, served)

    def renewed(self, visit: Visit, whole: Completed) -> None:
        """Takes an answer that was asked for although the former is still kept."""
        self.completed(visit, whole)

    def completed(self, visit: Visit, whole: Completed, served: Served | None = None) -> Entry:
        """Returns the answer as others can be served from it, kept or not."""
        completion, route = whole.completion, whole.route
        # what the gateway asks for its own sake nobody was given
        if visit.principal.keeps_content and visit.kind is not EventKind.OVERHEAD:
            self.keep_content(visit.ask, whole.facts, completion.body)
        marks = stamps.find(completion.body, visit.ask)
        note = notes.write(notes.Note(route.model.name, whole.provider, completion.usage, route.task_type, marks))
        entry = Entry(note, completion.body, time.time())
        if not keeping.why_not_kept(visit, route.model.name, completion):
            label = _label(visit, route, whole.provider)
            if 1 in visit.ask.controls.tiers:
                self._put(visit, label, entry)
            self._similar.learn(visit, entry, label, served)
        return entry

    def keep_given(self, visit: Visit, route: Route, completion: Completion) -> None:
        """An answer that was given elsewhere, as if it had been given here. Raises InvalidRequestError that says why it
        would not have been kept."""
        reason = visit.cache_reason or keeping.why_not_kept(visit, route.model.name, completion)
        if reason:
            raise InvalidRequestError(f"such an answer is not kept: {reason}")
        note = notes.Note(
            route.model.name,
            route.model.provider,
            completion.usage,
            route.task_type,
            stamps.find(completion.body, visit.ask),
        )
        label = _label(visit, route, route.model.provider)
        entry = Entry(notes.write(note), completion.body, time.time())
        if not self._put(visit, label, entry):
            raise InvalidRequestError("it is too large (cache.max_entry_bytes), or its time to live is 0")
        self._similar.learn(visit, entry, label)

    def keep_content(self, ask: Ask, row: InferenceFacts, answered: bytes) -> None:
        self._content.keep(
            Content(row.event_id, row.organization_id, row.occurred_at, orjson.dumps(ask.body), answered)
        )

    def _put(self, visit: Visit, label: Label, entry: Entry) -> bool:
        return self._cache.keep(
            visit.namespace,
            visit.fingerprint,
            note=entry.note,
            body=entry.body,
            ttl_seconds=visit.ttl_seconds,
            label=label,
            question=question.beginning(visit.ask, PREVIEW_CHARACTERS),
            begun_seconds_ago=time.perf_counter() - visit.ask.started,
            namespace_max_bytes=visit.policy.max_bytes,
        )


def _label(visit: Visit, route: Route, provider: str) -> Label:
    return Label(route.model.name, provider, route.task_type, tuple(visit.ask.tags.items()))
