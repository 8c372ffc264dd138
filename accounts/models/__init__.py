"""The tables of accounts."""

from accounts.models.api_keys import ApiKey, KeyMode, KeyPurpose
from accounts.models.audit import AuditEvent, AuditHead
from accounts.models.credentials import ProviderCredential
from accounts.models.emails import OutgoingEmail
from accounts.models.members import Invitation, Membership
from accounts.models.organizations import Organization
from accounts.models.people import Theme, User, UserManager, normalised_email

__all__ = [
    "ApiKey",
    "AuditEvent",
    "AuditHead",
    "Invitation",
    "KeyMode",
    "KeyPurpose",
    "Membership",
    "Organization",
    "OutgoingEmail",
    "ProviderCredential",
    "Theme",
    "User",
    "UserManager",
    "normalised_email",
]
