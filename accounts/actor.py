"""Who did something, and from where: what the audit log keeps of an act."""

from dataclasses import dataclass, field
from uuid import UUID

from accounts.principal import Principal
from accounts.roles import Role
from accounts.scopes import Scope


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from. All empty for commands and tasks."""

    address: str = ""
    user_agent: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal at work. Services take one for every act that changes something."""

    principal: Principal
    origin: Origin = field(default_factory=Origin)

    @property
    def organization_id(self) -> UUID:
        return self.principal.organization_id

    @property
    def kind(self) -> str:
        """ "key", "user" or "system"."""
        if self.principal.key_id is not None:
            return "key"
        return "system" if self.principal.user_id is None else "user"


def person(organization_id: UUID, user_id: UUID, role: Role, origin: Origin | None = None) -> Actor:
    """Somebody who acts as themselves, without a session or a key yet, for example while signing up."""
    principal = Principal(organization_id, frozenset(), user_id=user_id, role=role)
    return Actor(principal, origin or Origin())


def system(organization_id: UUID) -> Actor:
    """The operator's commands and the product's own jobs."""
    principal = Principal(organization_id, frozenset({Scope.ADMIN}), role=Role.OWNER)
    return Actor(principal)
