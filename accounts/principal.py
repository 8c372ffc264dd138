"""Who is asking: the organisation, the key or person, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from acron_site.lib.errors import InsufficientScopeError


class Scope(StrEnum):
    INFER = "infer"
    ANALYTICS = "analytics"
    ADMIN = "admin"
    ALL = "all"


# a key with one of these may do everything (contract, section 3: `admin` holds everything)
_HOLDS_EVERYTHING = frozenset({Scope.ADMIN, Scope.ALL})


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request. `is_test` callers are answered by the mock provider, at no cost."""

    organization_id: UUID
    scopes: frozenset[Scope]
    key_id: UUID | None = None
    user_id: UUID | None = None
    is_test: bool = False

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or not _HOLDS_EVERYTHING.isdisjoint(self.scopes)

    def require(self, scope: Scope) -> None:
        if not self.allows(scope):
            raise InsufficientScopeError(
                f"this needs the scope {scope.value!r}; create a key with it under /keys, "
                f"this one has: {', '.join(sorted(self.scopes)) or 'none'}"
            )
