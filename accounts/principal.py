"""Who is asking: the organization, the key or person, and what they may do."""

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from accounts.rights import TABLE, Right
from accounts.roles import Role
from accounts.scopes import HOLDS_EVERYTHING, Scope
from acron_site.lib.errors import InsufficientScopeError


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What one key is held to, beyond its scopes. Empty or None: not limited in this respect."""

    networks: tuple[str, ...] = ()  # CIDR notation; calls from elsewhere are refused
    models: frozenset[str] = frozenset()  # names as in the catalogue
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    monthly_budget_usd: Decimal | None = None  # per calendar month, UTC


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """An organization's own key at a provider, as it is kept: sealed. `id` is new with each change.

    `base_url` is where it is sent: an endpoint of the organization's own; "": the provider's.
    """

    id: UUID
    provider: str
    sealed: bytes = field(repr=False)
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request. `is_test` callers are answered by the mock provider, at no cost.

    `role` is a person's role at the time of asking: in the browser, and with the keys that signing up and logging in
    made. Keys made for programs have none and go by their scopes.
    """

    organization_id: UUID
    scopes: frozenset[Scope]
    key_id: UUID | None = None
    user_id: UUID | None = None
    is_test: bool = False
    role: Role | None = None
    rules: KeyRules | None = None
    provider_keys: tuple[ProviderKey, ...] = ()
    keeps_content: bool = False  # its organization wants prompts and answers kept
    family_id: UUID | None = None  # the first of the keys that were rolled into this one; None: it is that itself

    @property
    def limits_id(self) -> UUID | None:
        """Under which its uses are counted: a rolled key shares the budget and the limits of those before it."""
        return self.family_id or self.key_id

    @property
    def effective_role(self) -> Role:
        """The role that a key for programs acts with: everything but what only owners may do."""
        if self.role is not None:
            return self.role
        if not HOLDS_EVERYTHING.isdisjoint(self.scopes):
            return Role.ADMIN
        return Role.MEMBER if Scope.INFER in self.scopes else Role.VIEWER

    @property
    def own_providers(self) -> frozenset[str]:
        """Where its organization has keys of its own."""
        return frozenset(key.provider for key in self.provider_keys)

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or not HOLDS_EVERYTHING.isdisjoint(self.scopes)

    def may(self, right: Right) -> bool:
        needs = TABLE[right]
        is_in_browser = self.key_id is None and self.role is not None
        return (is_in_browser or self.allows(needs.scope)) and self.effective_role.is_at_least(needs.role)

    def require(self, scope: Scope) -> None:
        if not self.allows(scope):
            raise InsufficientScopeError(
                f"this needs the scope {scope.value!r}; create a key with it under /keys, "
                f"this one has: {', '.join(sorted(self.scopes)) or 'none'}"
            )

    def require_right(self, right: Right) -> None:
        """Raises InsufficientScopeError, which says what is missing."""
        if self.may(right):
            return
        needs = TABLE[right]
        if self.key_id is not None:
            self.require(needs.scope)
        raise InsufficientScopeError(
            f"to {right.value} takes the role {needs.role.value!r}, this is {self.effective_role.value!r}; "
            "ask an owner of the organization, see /members"
        )
