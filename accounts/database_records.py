"""Key records in PostgreSQL, found by public prefix, whosever they are: the key says which organization is meant."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections, transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.utils import timezone

from accounts import networks
from accounts.key_records import KeyRecord, NewDigest, RecordsUnavailableError
from accounts.models import ApiKey, KeyMode, KeyPurpose, Membership, Organization, ProviderCredential
from accounts.principal import KeyRules, Principal, ProviderKey
from accounts.roles import Role
from accounts.scopes import Scope

# keys that speak for the person they were made for; the others speak for a program
_PERSONAL = frozenset({KeyPurpose.SIGN_UP, KeyPurpose.LOGIN})

USE_PRECISION = timedelta(minutes=1)


class DatabaseRecords:
    """The key directory's road to the database."""

    def read(self, prefix: str) -> KeyRecord | None:
        # whoever has left the organization, or was locked out, loses the keys that logging in gave them
        role_there = Membership.all_organizations.filter(
            organization=OuterRef("organization"), user=OuterRef("created_by"), user__is_active=True
        ).values("role")
        found = ApiKey.all_organizations.filter(prefix=prefix).annotate(
            creators_role=Subquery(role_there), keeps_content=F("organization__keeps_content")
        )
        try:
            key = found.first()
            return None if key is None else _record(key, _provider_keys(key.organization_id))
        except DatabaseFailure as error:
            raise RecordsUnavailableError(type(error).__name__) from error

    def keyless(self, anonymous: Principal) -> Principal | None:
        organization_id = anonymous.organization_id
        try:
            organization = Organization.objects.filter(pk=organization_id).only("keeps_content").first()
            if organization is None:
                return None
            return replace(
                anonymous, provider_keys=_provider_keys(organization_id), keeps_content=organization.keeps_content
            )
        except DatabaseFailure as error:
            raise RecordsUnavailableError(type(error).__name__) from error

    def note_use(self, uses: Mapping[UUID, str | None]) -> None:
        try:
            _note_use(uses)
        except DatabaseFailure as error:
            raise RecordsUnavailableError(type(error).__name__) from error

    def redigest(self, digests: Collection[NewDigest]) -> None:
        try:
            for each in digests:
                unchanged = ApiKey.all_organizations.filter(pk=each.key_id, digest=each.old)
                unchanged.update(digest=each.new, pepper_id=each.pepper_id)
        except DatabaseFailure as error:
            raise RecordsUnavailableError(type(error).__name__) from error

    def release(self) -> None:
        connections.close_all()


def count_by_pepper() -> dict[int, int]:
    """How many keys that still work were digested under which pepper: one of number n needs pepper n to stay."""
    living = ApiKey.all_organizations.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)
    counts = living.values("pepper_id").annotate(keys=Count("pk")).order_by("pepper_id")
    return {count["pepper_id"]: count["keys"] for count in counts}


@transaction.atomic
def _note_use(uses: Mapping[UUID, str | None]) -> None:
    now = timezone.now()
    is_due = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_PRECISION)
    # a row that is locked is being noted by another worker
    due = ApiKey.all_organizations.select_for_update(skip_locked=True).filter(is_due, pk__in=uses)
    used = list(due.only("pk"))
    for key in used:
        address = networks.read_address(uses[key.pk])
        key.last_used_at, key.last_used_address = now, None if address is None else str(address)
    ApiKey.all_organizations.bulk_update(used, ["last_used_at", "last_used_address"], batch_size=500)


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
            rules=None if key.rules == KeyRules() else key.rules,
            provider_keys=provider_keys,
            keeps_content=key.keeps_content,  # type: ignore[attr-defined]  # annotated above
            family_id=key.family_id,
        ),
        expires_at=key.expires_at,
        is_revoked=key.revoked_at is not None or (key.purpose == KeyPurpose.LOGIN and role is None),
        last_used_at=key.last_used_at,
    )


def _provider_keys(organization_id: UUID) -> tuple[ProviderKey, ...]:
    kept = ProviderCredential.objects.for_organization(organization_id)
    return tuple(ProviderKey(each.pk, each.provider, bytes(each.sealed), each.base_url) for each in kept)
