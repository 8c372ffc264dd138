"""Key records in PostgreSQL, found by public prefix, whosever they are: the key says which organisation is meant."""

from collections.abc import Collection
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from accounts.key_records import KeyRecord, RecordsUnavailableError
from accounts.models import ApiKey, KeyMode, KeyPurpose, Membership, ProviderCredential
from accounts.principal import KeyRules, Principal, ProviderKey
from accounts.roles import Role
from accounts.scopes import Scope

# keys that speak for the person they were made for; the others speak for a program
_PERSONAL = frozenset({KeyPurpose.SIGN_UP, KeyPurpose.LOGIN})


class DatabaseRecords:
    """The key directory's road to the database."""

    def read(self, prefix: str) -> KeyRecord | None:
        # whoever has left the organisation, or was locked out, loses the keys that logging in gave them
        role_there = Membership.all_organizations.filter(
            organization=OuterRef("organization"), user=OuterRef("created_by"), user__is_active=True
        ).values("role")
        found = ApiKey.all_organizations.filter(prefix=prefix).annotate(creators_role=Subquery(role_there))
        try:
            key = found.first()
            return None if key is None else _record(key, _provider_keys(key.organization_id))
        except DatabaseFailure as error:
            raise RecordsUnavailableError(type(error).__name__) from error

    def note_use(self, key_ids: Collection[UUID]) -> None:
        try:
            ApiKey.all_organizations.filter(pk__in=key_ids).update(last_used_at=timezone.now())
        except DatabaseFailure as error:
            raise RecordsUnavailableError(type(error).__name__) from error

    def release(self) -> None:
        connections.close_all()


def _record(key: ApiKey, provider_keys: tuple[ProviderKey, ...]) -> KeyRecord:
    role = Role(key.creators_role) if key.creators_role else None  # type: ignore[attr-defined]  # annotated above
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
            role=role if key.purpose in _PERSONAL else None,
            rules=_rules(key),
            provider_keys=provider_keys,
        ),
        expires_at=key.expires_at,
        is_revoked=key.revoked_at is not None or (key.purpose == KeyPurpose.LOGIN and role is None),
        last_used_at=key.last_used_at,
    )


def _rules(key: ApiKey) -> KeyRules | None:
    rules = KeyRules(
        networks=tuple(key.allowed_networks),
        models=frozenset(key.allowed_models),
        requests_per_minute=key.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute,
        monthly_budget_usd=key.monthly_budget_usd,
    )
    return None if rules == KeyRules() else rules


def _provider_keys(organization_id: UUID) -> tuple[ProviderKey, ...]:
    kept = ProviderCredential.objects.for_organization(organization_id)
    return tuple(ProviderKey(id=each.pk, provider=each.provider, sealed=bytes(each.sealed)) for each in kept)
