"""Reading API keys: never more of a key than its public part."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import ApiKey, KeyMode, KeyPurpose
from accounts.principal import KeyRules, Principal
from accounts.rights import Right
from acron_site.lib.errors import InvalidRequestError, NotFoundError

UNUSED_AFTER = timedelta(days=90)
SOON = timedelta(days=7)


class KeyState(StrEnum):
    ACTIVE = "active"
    UNUSED = "unused"  # not used for 90 days
    EXPIRES_SOON = "expires_soon"
    EXPIRED = "expired"
    REVOKED = "revoked"

    @property
    def is_over(self) -> bool:
        return self in (KeyState.EXPIRED, KeyState.REVOKED)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as its organization sees it."""

    id: UUID
    beginning: str  # "ak_live_" and the public part
    name: str
    mode: KeyMode
    purpose: KeyPurpose
    scopes: tuple[str, ...]
    owner_id: UUID | None
    owner_email: str
    created_at: datetime
    last_used_at: datetime | None
    last_used_address: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    rolled_from: UUID | None
    is_rolled: bool  # another key has followed it
    state: KeyState
    rules: KeyRules

    @property
    def is_test(self) -> bool:
        return self.mode is KeyMode.TEST

    @property
    def is_limited(self) -> bool:
        return self.rules != KeyRules()

    @property
    def may_be_rolled(self) -> bool:
        is_lasting = self.purpose in (KeyPurpose.STANDARD, KeyPurpose.SIGN_UP)
        return is_lasting and not self.is_rolled and not self.state.is_over


def page(principal: Principal, limit: int, after: UUID | None = None, *, only_living: bool = False) -> list[ListedKey]:
    """The newest keys that the principal may see, or those that follow the key `after`.

    One more than `limit`, if there is one. Raises InvalidRequestError if `after` is not there.
    """
    visible, now = _visible(principal), timezone.now()
    if only_living:
        visible = visible.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    if after is not None:
        visible = visible.filter(_is_older(principal, after))
    rows = list(visible.select_related("created_by").order_by("-created_at", "-id")[: limit + 1])
    rolled = _rolled(principal.organization_id, rows)
    return [_listed(row, now, is_rolled=row.pk in rolled) for row in rows]


def one(principal: Principal, key_id: UUID) -> ListedKey:
    """Raises NotFoundError."""
    row = _visible(principal).select_related("created_by").filter(pk=key_id).first()
    if row is None:
        raise NotFoundError("there is no such key; list yours under /governance/api-keys")
    return _listed(row, timezone.now(), is_rolled=bool(_rolled(principal.organization_id, [row])))


def family(organization_id: UUID, first: UUID) -> list[UUID]:
    """A key and all those that were rolled from it, directly or not."""
    rolled = ApiKey.objects.for_organization(organization_id).filter(family_id=first)
    return [first, *rolled.values_list("pk", flat=True)]


def state_of(
    *,
    created_at: datetime,
    last_used_at: datetime | None,
    expires_at: datetime | None,
    revoked_at: datetime | None,
    now: datetime,
) -> KeyState:
    if revoked_at is not None:
        return KeyState.REVOKED
    if expires_at is not None and expires_at <= now:
        return KeyState.EXPIRED
    if expires_at is not None and expires_at <= now + SOON:
        return KeyState.EXPIRES_SOON
    return KeyState.UNUSED if (last_used_at or created_at) <= now - UNUSED_AFTER else KeyState.ACTIVE


def _visible(principal: Principal) -> QuerySet[ApiKey]:
    """One's own keys, and everybody's for those who may manage them."""
    own: QuerySet[ApiKey] = ApiKey.objects.for_organization(principal.organization_id)
    if principal.may(Right.MANAGE_KEYS):
        return own
    return own.filter(created_by=principal.user_id) if principal.user_id else own.none()


def _is_older(principal: Principal, than: UUID) -> Q:
    row = _visible(principal).filter(pk=than).only("created_at").first()
    if row is None:
        raise InvalidRequestError(
            f"after: there is no key {than}; hand in the `next` of the part before, or leave it out", param="after"
        )
    return Q(created_at__lt=row.created_at) | Q(created_at=row.created_at, id__lt=than)


def _rolled(organization_id: UUID, rows: list[ApiKey]) -> set[UUID]:
    followed = ApiKey.objects.for_organization(organization_id).filter(rolled_from__in=[row.pk for row in rows])
    return {each for each in followed.values_list("rolled_from_id", flat=True) if each}


def _listed(row: ApiKey, now: datetime, *, is_rolled: bool) -> ListedKey:
    return ListedKey(
        id=row.pk,
        beginning=row.beginning,
        name=row.name,
        mode=KeyMode(row.mode),
        purpose=KeyPurpose(row.purpose),
        scopes=tuple(row.scopes),
        owner_id=row.created_by_id,
        owner_email=row.created_by.email if row.created_by else "",
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        last_used_address=row.last_used_address,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        rolled_from=row.rolled_from_id,
        is_rolled=is_rolled,
        state=state_of(
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            now=now,
        ),
        rules=row.rules,
    )
