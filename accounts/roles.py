"""What a person may do in an organization."""

from enum import StrEnum

from accounts.scopes import Scope


class Role(StrEnum):
    """Strongest first."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    def is_at_least(self, other: "Role") -> bool:
        return _STRENGTH[self] >= _STRENGTH[other]


_STRENGTH = {role: strength for strength, role in enumerate(reversed(Role))}

_SCOPES = {
    Role.OWNER: frozenset({Scope.ADMIN}),
    Role.ADMIN: frozenset({Scope.ADMIN}),
    Role.MEMBER: frozenset({Scope.INFER, Scope.ANALYTICS}),
    Role.VIEWER: frozenset({Scope.ANALYTICS}),
}


def scopes_of(role: Role) -> frozenset[Scope]:
    """The scopes a person with `role` acts with, in the browser and by a log-in key."""
    return _SCOPES[role]
