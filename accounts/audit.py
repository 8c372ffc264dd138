"""The audit log's one way in: `record` adds an act to the organization's chain, in the transaction of the act."""

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import (
    ApiKey,
    AuditEvent,
    AuditHead,
    Invitation,
    Membership,
    Organization,
    ProviderCredential,
    User,
)

GENESIS = bytes(32)

# what may stand in `before` and `after`: never a secret, never a whole row
SHOWN = frozenset(
    {
        "name", "slug", "role", "scopes", "mode", "purpose", "expires_at", "allowed_networks", "allowed_models",
        "requests_per_minute", "tokens_per_minute", "monthly_budget_usd", "provider", "base_url", "last_four",
        "keeps_content", "content_retention_days", "event_id", "is_active", "is_staff", "method", "rolled_from",
        "result", "fields", "count", "format", "filters", "namespace", "tags", "task_type", "state", "entry_id", "tier",
        "is_enabled", "ttl_seconds", "max_entry_bytes", "max_bytes", "refresh_ahead_percent",
        "keep_sampled", "keep_tool_calls", "wall", "semantic",
        "semantic_tolerance", "semantic_threshold", "quality_threshold", "epsilon", "explores", "explore_percent",
        "holdout_percent", "cascades",
    }
)  # fmt: skip
_LONGEST_TEXT = 300
_LARGEST_NUMBER = 2**53 - 1  # beyond it programs that read the export would not agree on the digits

# control and line-breaking characters, halves of characters; what turns the direction of the text around it
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def record(
    actor: Actor,
    action: str,
    subject: Any = None,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Adds one act. Must run in the transaction of the act, so that neither exists without the other.

    `subject` is the row it was done to. Raises ValueError for a field that is not on the list of those shown.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an act and its record belong in one transaction")
    organization_id = actor.organization_id
    head = _locked_head(organization_id)
    kind, object_id, name = _described(subject)
    principal, origin = actor.principal, actor.origin
    event = AuditEvent(
        organization_id=organization_id,
        sequence=head.sequence + 1,
        occurred_at=timezone.now(),
        action=action,
        actor_kind=actor.kind,
        actor_user_id=principal.user_id,
        actor_key_id=principal.key_id,
        actor_role=principal.effective_role.value,
        object_kind=kind,
        object_id=object_id,
        object_name=_printable(name)[:200],
        before=_shown(before or {}),
        after=_shown(after or {}),
        address=_printable(origin.address)[:64],
        user_agent=_printable(origin.user_agent),
        request_id=_printable(origin.request_id)[:128],
        previous_hash=bytes(head.hash),
    )
    event.hash = hash_of(event)
    event.save(force_insert=True)
    head.sequence, head.hash = event.sequence, event.hash
    head.save(update_fields=["sequence", "hash"])
    return event


def hash_of(event: AuditEvent) -> bytes:
    """SHA-256 over the previous hash and the act as canonical JSON (sorted keys, UTF-8, no spaces)."""
    document = orjson.dumps(facts_of(event), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(bytes(event.previous_hash) + document).digest()


def facts_of(event: AuditEvent) -> dict[str, Any]:
    """All that the hash covers besides the hash before it: what an export must hold to be verifiable by itself."""
    return {
        "organization_id": str(event.organization_id),
        "sequence": event.sequence,
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "action": event.action,
        "actor_kind": event.actor_kind,
        "actor_user_id": _text(event.actor_user_id),
        "actor_key_id": _text(event.actor_key_id),
        "actor_role": event.actor_role,
        "object_kind": event.object_kind,
        "object_id": event.object_id,
        "object_name": event.object_name,
        "before": event.before,
        "after": event.after,
        "address": event.address,
        "user_agent": event.user_agent,
        "request_id": event.request_id,
    }


def _locked_head(organization_id: UUID) -> AuditHead:
    heads = AuditHead.objects.for_organization(organization_id)
    head: AuditHead | None = heads.select_for_update().first()
    if head is None:
        # ON CONFLICT DO NOTHING: of several first acts at once one makes the row, all then wait for its lock
        heads.bulk_create([AuditHead(organization_id=organization_id, hash=GENESIS)], ignore_conflicts=True)
        head = heads.select_for_update().get()
    return head


def _described(subject: Any) -> tuple[str, str, str]:
    """Kind, id and name of what something was done to. People go by id: an email may have to be erased."""
    match subject:
        case None:
            return "", "", ""
        case ApiKey():
            return "api_key", str(subject.pk), f"{subject.name} ({subject.prefix})"
        case Membership():
            return "member", str(subject.pk), str(subject.user_id)
        case Organization():
            return "organization", str(subject.pk), subject.name
        case ProviderCredential():
            return "provider_credential", str(subject.pk), subject.provider
        case Invitation():
            return "invitation", str(subject.pk), ""
        case User():
            return "user", str(subject.pk), ""
    raise TypeError(f"the audit log has no word for {type(subject).__name__}; add it to accounts.audit")


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    hidden = set(fields) - SHOWN
    if hidden:
        raise ValueError(f"not to be shown in the audit log: {', '.join(sorted(hidden))}; see accounts.audit.SHOWN")
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, bool | int) and abs(value) <= _LARGEST_NUMBER):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(_plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _printable(str(value))


def _printable(text: str) -> str:
    # PostgreSQL holds no NUL, and a line break in a user agent must not look like a line of its own
    return "".join("\ufffd" if _is_unprintable(each) else each for each in text[:_LONGEST_TEXT])


def _is_unprintable(character: str) -> bool:
    return character in _TURNING or unicodedata.category(character) in _UNPRINTABLE


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
