"""The permission table: what can be done in an organization, by which scope of a key and by which role of a person."""

from dataclasses import dataclass
from enum import StrEnum

from accounts.roles import Role
from accounts.scopes import Scope


class Right(StrEnum):
    """One thing that somebody may or may not do. API and pages name these, never scopes or roles."""

    CALL_MODELS = "call models"
    GIVE_FEEDBACK = "say how good an answer was"
    READ_ANALYTICS = "read analytics"
    MANAGE_OWN_KEYS = "manage own keys"
    MANAGE_KEYS = "manage everybody's keys"
    READ_MEMBERS = "see the members"
    MANAGE_MEMBERS = "invite, change and remove members"
    MANAGE_OWNERS = "name and dismiss owners"
    READ_SETTINGS = "see the settings"
    MANAGE_SETTINGS = "change the settings"
    MANAGE_PROVIDER_CREDENTIALS = "manage provider keys"
    READ_AUDIT = "read the audit log"
    DELETE_ORGANIZATION = "delete the organization"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a right takes: of a key its scope, of a person in the browser the role, of a person's own key both."""

    scope: Scope
    role: Role


TABLE: dict[Right, Needs] = {
    Right.CALL_MODELS: Needs(Scope.INFER, Role.MEMBER),
    Right.GIVE_FEEDBACK: Needs(Scope.INFER, Role.MEMBER),
    Right.READ_ANALYTICS: Needs(Scope.ANALYTICS, Role.VIEWER),
    Right.MANAGE_OWN_KEYS: Needs(Scope.ADMIN, Role.MEMBER),
    Right.MANAGE_KEYS: Needs(Scope.ADMIN, Role.ADMIN),
    Right.READ_MEMBERS: Needs(Scope.ADMIN, Role.VIEWER),
    Right.MANAGE_MEMBERS: Needs(Scope.ADMIN, Role.ADMIN),
    Right.MANAGE_OWNERS: Needs(Scope.ADMIN, Role.OWNER),
    Right.READ_SETTINGS: Needs(Scope.ADMIN, Role.VIEWER),
    Right.MANAGE_SETTINGS: Needs(Scope.ADMIN, Role.ADMIN),
    Right.MANAGE_PROVIDER_CREDENTIALS: Needs(Scope.ADMIN, Role.ADMIN),
    Right.READ_AUDIT: Needs(Scope.ADMIN, Role.ADMIN),
    Right.DELETE_ORGANIZATION: Needs(Scope.ADMIN, Role.OWNER),
}
