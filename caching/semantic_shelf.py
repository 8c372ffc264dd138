"""The entries of tier 2 that are rows of PostgreSQL, as people see them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Func, IntegerField, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from caching.backends.entry_rows import clean, lock_of
from caching.backends.sealed_entries import EntrySeal
from caching.models import SemanticEntry, SemanticPurge
from caching.places import MARK_SECONDS, SIDE, Place, wall_of
from caching.protocols import Label, Namespace
from caching.semantic_room import Evicted
from caching.shelf import Listed, Opened, Position, Slice, Wanted

Forget = Callable[[Sequence[Evicted]], None]
# hears of an entry that somebody finds wrong, by organization and id
Complain = Callable[[UUID, UUID], object]
Rows = QuerySet[SemanticEntry]

_AT_ONCE = 500
# entries whose questions are looked at for one part of a list; then it goes on with the next part
_LOOKED_AT_MOST = 20_000
_LAST_SECOND = 253_402_300_799  # of the year 9999
_MICROSECOND = timedelta(microseconds=1)
# nobody keeps anything of the organization's until the transaction ends: see `entry_rows`
_LOCK = "SELECT pg_advisory_xact_lock(%(lock)s)"
_MARK = """
INSERT INTO caching_semanticpurge (id, organization_id, what, purged_at)
VALUES (gen_random_uuid(), %(organization)s, %(what)s, clock_timestamp())
ON CONFLICT (organization_id, what) DO UPDATE SET purged_at = excluded.purged_at
"""


class SemanticShelf:
    """A Shelf. `forget` hears what has gone, where its vectors lie elsewhere."""

    tier = 2

    def __init__(self, seal: EntrySeal, *, forget: Forget | None = None, complain: Complain | None = None) -> None:
        self._seal, self._forget, self._complain = seal, forget, complain

    def list(self, organization_id: UUID, wanted: Wanted, *, after: Position | None, limit: int) -> Slice:
        rows: list[Listed] = []
        looked_at, last = 0, after
        at_once = _AT_ONCE if wanted.reads_questions else limit + 1
        fitting = _fitting(organization_id, wanted).filter(_is_there())
        unread = ("embedding", "answer", "partition", *(() if wanted.reads_questions else ("question",)))
        while part := list(_shown(fitting, last).defer(*unread)[:at_once]):
            rows += [_listed(row) for row in part if self._says(row, wanted)]
            looked_at, last = looked_at + len(part), _position(part[-1])
            if len(rows) > limit:
                return Slice(rows[:limit], rows[limit - 1].position)
            if len(part) < at_once:
                break
            if looked_at >= _LOOKED_AT_MOST:
                return Slice(rows, last)
        return Slice(rows)

    def read(self, organization_id: UUID, entry_id: UUID) -> Opened | None:
        row = _found(organization_id, entry_id)
        if row is None:
            return None
        question = self._seal.question(organization_id, entry_id, bytes(row.question))
        kept = self._seal.answer(organization_id, entry_id, bytes(row.answer))
        answer = None if kept is None or row.marked_wrong_at is not None else kept.body
        return Opened(_listed(row), question or "", answer)

    @transaction.atomic
    def delete(self, organization_id: UUID, entry_id: UUID) -> bool:
        _lock(organization_id)
        row = _found(organization_id, entry_id)
        if row is None:
            return False
        _mark(organization_id, _place(row).id.hex)
        return self._remove(organization_id, [row]) > 0

    def pin(self, organization_id: UUID, entry_id: UUID) -> bool:
        found = _rows(organization_id).filter(_is_there(), pk=entry_id, marked_wrong_at=None)
        return found.update(is_pinned=True) > 0

    @transaction.atomic
    def unpin(self, organization_id: UUID, entry_id: UUID) -> bool:
        row = _found(organization_id, entry_id)
        if row is None:
            return False
        found = _rows(organization_id).filter(pk=entry_id)
        return found.update(is_pinned=False, expires_at=_once_more(row)) > 0

    @transaction.atomic
    def mark_wrong(self, organization_id: UUID, entry_id: UUID) -> bool:
        _lock(organization_id)
        row = _found(organization_id, entry_id)
        if row is None:
            return False
        _mark(organization_id, _place(row).id.hex)
        _rows(organization_id).filter(pk=entry_id).update(
            answer=self._seal.nothing(organization_id, entry_id),
            marked_wrong_at=timezone.now(),
            is_pinned=False,
            expires_at=_once_more(row),
        )
        if self._complain is not None:
            self._complain(organization_id, entry_id)
        return True

    def twins(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> Sequence[UUID]:
        if clean(namespace) != namespace:
            return []
        found = _rows(organization_id).filter(namespace=namespace, fingerprint=fingerprint)
        return list(found.values_list("pk", flat=True))

    @transaction.atomic
    def hold_off(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> None:
        _lock(organization_id)
        _mark(organization_id, Place(organization_id, wall_of(namespace), fingerprint).id.hex)

    def purge(self, organization_id: UUID, wanted: Wanted, *, is_trial: bool) -> int:
        fitting = _fitting(organization_id, wanted)
        there = fitting.filter(_is_there())
        if is_trial:
            return self._count(there, wanted)
        with transaction.atomic():
            if wanted.stored_before is None:
                _lock(organization_id)
                _mark(organization_id, "" if wanted.namespace is None else wall_of(wanted.namespace))
            count = self._count(there, wanted)
            self._clear(organization_id, fitting, wanted)
        return count

    def tidy(self, organization_id: UUID) -> int:
        """What has ended goes by a job of its own; here, the marks whose time is over."""
        marks = SemanticPurge.objects.for_organization(organization_id)
        return marks.filter(purged_at__lt=Now() - timedelta(seconds=MARK_SECONDS)).delete()[0]

    def _says(self, row: SemanticEntry, wanted: Wanted) -> bool:
        if not wanted.reads_questions:
            return True
        question = self._seal.question(row.organization_id, row.pk, bytes(row.question))
        return question is not None and wanted.fits_question(question)

    def _count(self, rows: Rows, wanted: Wanted) -> int:
        if not wanted.reads_questions:
            return rows.count()
        return sum(self._says(row, wanted) for row in rows.only("organization_id", "question").iterator(_AT_ONCE))

    def _clear(self, organization_id: UUID, rows: Rows, wanted: Wanted) -> None:
        """In parts, so that no statement grows with the cache."""
        last: UUID | None = None
        wanted_fields = ("organization_id", "namespace", "fingerprint", "space", "question")
        ordered = rows.only(*wanted_fields).order_by("pk")
        while part := list((ordered if last is None else ordered.filter(pk__gt=last))[:_AT_ONCE]):
            last = part[-1].pk
            self._remove(organization_id, [row for row in part if self._says(row, wanted)])

    def _remove(self, organization_id: UUID, rows: Sequence[SemanticEntry]) -> int:
        gone = [Evicted(Namespace(organization_id, row.namespace), bytes(row.fingerprint), row.space) for row in rows]
        if gone and self._forget is not None:
            transaction.on_commit(partial(self._forget, gone))
        return _rows(organization_id).filter(pk__in=[row.pk for row in rows]).delete()[0]


def _rows(organization_id: UUID) -> Rows:
    rows: Rows = SemanticEntry.objects.for_organization(organization_id)
    return rows


def _is_there() -> Q:
    return Q(is_pinned=True) | Q(expires_at__gt=Now())


def _found(organization_id: UUID, entry_id: UUID) -> SemanticEntry | None:
    return _weighed(_rows(organization_id).filter(_is_there(), pk=entry_id)).defer("embedding").first()


def _fitting(organization_id: UUID, wanted: Wanted) -> Rows:
    """All that the database can say of it. What it could not hold, it does not hold."""
    rows = _rows(organization_id)
    if wanted.namespace is not None:
        if clean(wanted.namespace) != wanted.namespace:
            return rows.none()
        rows = rows.filter(Q(namespace=wanted.namespace) | Q(namespace__startswith=wanted.namespace + SIDE))
    if wanted.model is not None:
        rows = rows.filter(model=clean(wanted.model))
    if wanted.task_type is not None:
        rows = rows.filter(task_type=clean(wanted.task_type))
    if wanted.tag is not None:
        rows = rows.filter(tags__contains={clean(wanted.tag[0]): clean(wanted.tag[1])})
    if wanted.stored_before is not None:
        rows = rows.filter(created_at__lt=_moment(wanted.stored_before))
    return rows


def _shown(rows: Rows, after: Position | None) -> Rows:
    """Newest first."""
    later = rows if after is None else rows.filter(_follows(after))
    return _weighed(later).order_by("-created_at", "-id")


def _weighed(rows: Rows) -> Rows:
    return rows.annotate(size_bytes=Func(F("answer"), function="octet_length", output_field=IntegerField()))


def _follows(after: Position) -> Q:
    """The database counts microseconds, a position of another tier may lie between two of them."""
    moment = _moment(after.stored_at)
    if moment.timestamp() > after.stored_at:
        moment -= _MICROSECOND
    if moment.timestamp() < after.stored_at:
        return Q(created_at__lte=moment)
    return Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=after.id)


def _moment(seconds: float) -> datetime:
    """The nearest that the database knows."""
    return datetime.fromtimestamp(min(max(seconds, 1.0), _LAST_SECOND), UTC)


def _position(row: SemanticEntry) -> Position:
    return Position(row.created_at.timestamp(), row.pk)


def _place(row: SemanticEntry) -> Place:
    return Place(row.organization_id, wall_of(row.namespace), bytes(row.fingerprint))


def _once_more(row: SemanticEntry) -> datetime:
    return timezone.now() + timedelta(seconds=row.ttl_seconds)


def _lock(organization_id: UUID) -> None:
    _execute(_LOCK, {"lock": lock_of(organization_id)})


def _mark(organization_id: UUID, what: str) -> None:
    _execute(_MARK, {"organization": organization_id, "what": what})


def _execute(statement: str, parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _listed(row: SemanticEntry) -> Listed:
    return Listed(
        id=row.pk,
        tier=SemanticShelf.tier,
        namespace=row.namespace,
        fingerprint=bytes(row.fingerprint),
        label=Label(row.model, row.provider, row.task_type, tuple(row.tags.items())),
        stored_at=row.created_at.timestamp(),
        expires_at=None if row.is_pinned else row.expires_at.timestamp(),
        size_bytes=0 if row.marked_wrong_at is not None else vars(row)["size_bytes"],  # see `_weighed`
        hits=row.hits,
        is_pinned=row.is_pinned,
        marked_wrong_at=None if row.marked_wrong_at is None else row.marked_wrong_at.timestamp(),
    )
