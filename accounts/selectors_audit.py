"""Reading the audit log: pages of it, the whole of it in parts, and whether its chain is intact."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts import audit, audit_changes
from accounts.audit_changes import Change
from accounts.models import ApiKey, AuditEvent, AuditHead, User, normalised_email

DELETED_PERSON = "deleted person"
DELETED_KEY = "deleted key"
OPERATOR = "operator"
_BY_OPERATORS = "operator."  # what operators do in /admin/ is named so
_CHUNK = 500
_LONGEST_PREFIX = 8


@dataclass(frozen=True, slots=True)
class Filters:
    """Which acts are meant. Empty: all."""

    action: str = ""  # "api_key.created", or "api_key" for all that is done with keys
    actor: str = ""  # "system", an email address, a key's public part, or the id of a person or a key
    object: str = ""  # an id, a kind ("api_key"), a part of a name, an email address
    since: datetime | None = None
    until: datetime | None = None  # not included

    def __bool__(self) -> bool:
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Entry:
    """One act with the names that its ids stand for today. The hash covers the ids, never these names."""

    event: AuditEvent
    actor_name: str
    object_name: str

    @property
    def changes(self) -> tuple[Change, ...]:
        return audit_changes.changes(self.event.before, self.event.after)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the log, newest first. `next` is what to hand in as `after` for the part that follows."""

    rows: tuple[Entry, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain. Kept elsewhere, it proves later that nothing before it was rewritten."""

    sequence: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a chain is what was once recorded; if not, the first place that is wrong and why."""

    is_intact: bool
    checked: int
    head: Head
    first_broken_sequence: int | None = None
    reason: str = ""


class _BrokenError(Exception):
    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(reason)
        self.sequence, self.reason = sequence, reason


def page(organization_id: UUID, filters: Filters, *, limit: int, after: int | None = None) -> Page:
    found = _matching(organization_id, filters).order_by("-sequence")
    if after is not None:
        found = found.filter(sequence__lt=after)
    events = list(found[: limit + 1])
    shown = events[:limit]
    is_last = len(events) <= limit
    return Page(rows=_with_names(organization_id, shown), next=None if is_last else shown[-1].sequence)


def actions(organization_id: UUID) -> list[str]:
    """What has been done here at all, for the choice of a filter."""
    own = AuditEvent.objects.for_organization(organization_id)
    return list(own.order_by("action").values_list("action", flat=True).distinct())


def head(organization_id: UUID) -> Head:
    row: AuditHead | None = AuditHead.objects.for_organization(organization_id).first()
    return Head(0, audit.GENESIS) if row is None else Head(row.sequence, bytes(row.hash))


def chunk(organization_id: UUID, filters: Filters, *, after: int, up_to: int) -> list[AuditEvent]:
    """The next acts in the order of the chain, a few hundred at once; empty at the end."""
    found = _matching(organization_id, filters).filter(sequence__gt=after, sequence__lte=up_to)
    return list(found.order_by("sequence")[:_CHUNK])


def verify(
    organization_id: UUID,
    *,
    expected: Head | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
    chunk_size: int = _CHUNK,
) -> Verdict:
    """Walks the whole chain. Acts that are recorded meanwhile do not disturb it.

    `expected` is a head that was noted earlier: with it a chain that was rewritten as a whole is found too.
    """
    end = head(organization_id)
    anchors = [each for each in (expected, end) if each is not None]
    checked = 0
    try:
        for event in _walk(_in_order(organization_id, chunk_size), anchors):
            checked = event.sequence
            if checked % chunk_size == 0:
                on_progress(checked)
        _require_head_covers(organization_id, checked)
    except _BrokenError as broken:
        return Verdict(False, checked, end, first_broken_sequence=broken.sequence, reason=broken.reason)
    return Verdict(True, checked, end)


def _walk(events: Iterable[AuditEvent], anchors: Sequence[Head]) -> Iterator[AuditEvent]:
    sequence, previous = 0, audit.GENESIS
    _require_anchors(anchors, sequence, previous)
    for event in events:
        sequence += 1
        if event.sequence != sequence:
            raise _BrokenError(sequence, f"entry {sequence} is missing, the next one is {event.sequence}")
        if bytes(event.previous_hash) != previous:
            raise _BrokenError(sequence, f"entry {sequence} does not follow the one before it")
        previous = bytes(event.hash)
        if audit.hash_of(event) != previous:
            raise _BrokenError(sequence, f"entry {sequence} was changed")
        _require_anchors(anchors, sequence, previous)
        yield event
    last = max((anchor.sequence for anchor in anchors), default=0)
    if last > sequence:
        raise _BrokenError(sequence + 1, f"the entries {sequence + 1} to {last} are missing at the end")


def _in_order(organization_id: UUID, chunk_size: int) -> Iterator[AuditEvent]:
    """By sequence, part by part: neither memory nor a connection is held for the length of a chain."""
    own, after = AuditEvent.objects.for_organization(organization_id).order_by("sequence"), None
    while True:
        events = list((own if after is None else own.filter(sequence__gt=after))[:chunk_size])
        yield from events
        if len(events) < chunk_size:
            return
        after = events[-1].sequence


def _require_anchors(anchors: Sequence[Head], sequence: int, found: bytes) -> None:
    for anchor in anchors:
        if anchor.sequence == sequence and anchor.hash != found:
            raise _BrokenError(sequence, f"the chain at {sequence} is not the one that its head speaks of")


def _require_head_covers(organization_id: UUID, sequence: int) -> None:
    # an act and the head move in one transaction, so a head that is read after an act is never behind it
    end = head(organization_id).sequence
    if sequence > end:
        raise _BrokenError(end + 1, f"entry {end + 1} was put behind the end of the chain")


def _matching(organization_id: UUID, filters: Filters) -> QuerySet[AuditEvent]:
    found: QuerySet[AuditEvent] = AuditEvent.objects.for_organization(organization_id)
    if filters.action:
        found = found.filter(Q(action=filters.action) | Q(action__startswith=f"{filters.action}."))
    if filters.actor:
        found = found.filter(_by(organization_id, filters.actor))
    if filters.object:
        found = found.filter(_about(filters.object))
    if filters.since:
        found = found.filter(occurred_at__gte=filters.since)
    if filters.until:
        found = found.filter(occurred_at__lt=filters.until)
    return found


def _by(organization_id: UUID, text: str) -> Q:
    """Who is meant: a text that names nobody matches nothing."""
    if text in ("system", "user", "key"):
        return Q(actor_kind=text)
    if text == OPERATOR:
        return Q(action__startswith=_BY_OPERATORS)
    if "@" in text:
        return Q(actor_user_id=_user_id(text)) if _user_id(text) else Q(pk__in=[])
    identity = _uuid(text)
    if identity is not None:
        return Q(actor_user_id=identity) | Q(actor_key_id=identity)
    prefix = text.removeprefix("ak_live_").removeprefix("ak_test_")[:_LONGEST_PREFIX]
    keys = ApiKey.objects.for_organization(organization_id).filter(prefix=prefix)
    return Q(actor_key_id__in=keys.values_list("pk", flat=True))


def _about(text: str) -> Q:
    if "@" in text:
        user_id = _user_id(text)
        return Q(object_id=str(user_id)) | Q(object_name=str(user_id)) if user_id else Q(pk__in=[])
    return Q(object_id=text) | Q(object_kind=text) | Q(object_name__icontains=text)


def _user_id(email: str) -> UUID | None:
    found: UUID | None = User.objects.filter(email=normalised_email(email)).values_list("pk", flat=True).first()
    return found


def _with_names(organization_id: UUID, events: Sequence[AuditEvent]) -> tuple[Entry, ...]:
    people = _emails({each for event in events for each in (event.actor_user_id, *_people_meant(event)) if each})
    keys = _key_names(organization_id, {event.actor_key_id for event in events if event.actor_key_id})
    return tuple(Entry(event, _actor_name(event, people, keys), _object_name(event, people)) for event in events)


def _emails(user_ids: set[UUID]) -> dict[UUID, str]:
    return dict(User.objects.filter(pk__in=user_ids).values_list("pk", "email"))


def _key_names(organization_id: UUID, key_ids: set[UUID]) -> dict[UUID, str]:
    own = ApiKey.objects.for_organization(organization_id).filter(pk__in=key_ids)
    return {key.pk: f"{key.name} (ak_{key.mode}_{key.prefix}...)" for key in own}


def _actor_name(event: AuditEvent, people: dict[UUID, str], keys: dict[UUID, str]) -> str:
    if event.action.startswith(_BY_OPERATORS):
        return OPERATOR
    if event.actor_key_id:
        return keys.get(event.actor_key_id, DELETED_KEY)
    return people.get(event.actor_user_id, DELETED_PERSON) if event.actor_user_id else "system"


def _object_name(event: AuditEvent, people: dict[UUID, str]) -> str:
    meant = _people_meant(event)
    return people.get(meant[0], DELETED_PERSON) if meant else event.object_name


def _people_meant(event: AuditEvent) -> list[UUID]:
    """Whom an act was done to: the log names people by their ids only."""
    text = {"user": event.object_id, "member": event.object_name}.get(event.object_kind, "")
    identity = _uuid(text)
    return [identity] if identity else []


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
