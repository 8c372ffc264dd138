"""Key records in PostgreSQL, found by public prefix, whosever they are: the key says which organisation is meant."""

from collections.abc import Collection
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.key_records import KeyRecord, RecordsUnavailableError
from accounts.models import ApiKey, KeyMode, KeyPurpose, Membership
from accounts.principal import Principal, Scope


class DatabaseRecords:
    """The key directory's road to the database."""

    def read(self, prefix: str) -> KeyRecord | None:
        # whoever has left the organisation, or was locked out, loses the keys that logging in gave them
        still_there = Membership.all_organizations.filter(
            organization=OuterRef("organization"), user=OuterRef("created_by"), user__is_active=True
        )
        found = ApiKey.all_organizations.filter(prefix=prefix).annotate(is_creator_here=Exists(still_there))
        try:
            key = found.first()
        except DatabaseFailure as error:
            raise RecordsUnavailableError(type(error).__name__) from error
        return None if key is None else _record(key, is_creator_here=key.is_creator_here)

    def note_use(self, key_ids: Collection[UUID]) -> None:
        try:
            ApiKey.all_organizations.filter(pk__in=key_ids).update(last_used_at=timezone.now())
        except DatabaseFailure as error:
            raise RecordsUnavailableError(type(error).__name__) from error

    def release(self) -> None:
        connections.close_all()


def _record(key: ApiKey, *, is_creator_here: bool) -> KeyRecord:
    return KeyRecord(
        prefix=key.prefix,
        digest=bytes(key.digest),
        pepper_id=key.pepper_id,
        principal=Principal(
            organization_id=key.organization_id,
            scopes=frozenset(Scope(scope) for scope in key.scopes),
            key_id=key.pk,
            user_id=key.created_by_id,
            is_test=key.mode == KeyMode.TEST,
        ),
        expires_at=key.expires_at,
        is_revoked=key.revoked_at is not None or (key.purpose == KeyPurpose.LOGIN and not is_creator_here),
        last_used_at=key.last_used_at,
    )
