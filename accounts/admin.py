"""What operators see of people and organizations; nothing here shows a password, a key, a digest or a sealed value."""

from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.models import (
    ApiKey,
    AuditEvent,
    AuditHead,
    Invitation,
    Membership,
    Organization,
    OutgoingEmail,
    ProviderCredential,
    User,
)
from accounts.requests import origin_of
from accounts.services import operators
from acron_site.lib.admin import LookOnly

admin.site.site_header = admin.site.site_title = "ACRON operators"
admin.site.index_title = "All organizations"

# allauth's and Django's own show secrets (second factors, session keys) or change what our services guard
for foreign in (Authenticator, EmailAddress, EmailConfirmation, UserSession, Group):
    if admin.site.is_registered(foreign):
        admin.site.unregister(foreign)

_ACCESS = ("is_active", "is_staff")


@admin.register(User)
class UserAdmin(LookOnly):
    """The one place where operators change something: who may come in."""

    list_display = ("email", "full_name", "is_active", "is_staff", "created_at", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "full_name", "id__exact")
    ordering = ("-created_at",)
    shown = (
        "id",
        "email",
        "full_name",
        "is_active",
        "is_staff",
        "is_superuser",
        "time_zone",
        "created_at",
        "last_login",
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm("accounts.change_user")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in self.shown if name not in _changeable(request.user, obj)]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002
        operator = request.user
        if isinstance(operator, User):
            access = {name: getattr(obj, name) for name in _ACCESS}
            operators.set_access(operator, obj.pk, origin=origin_of(request), **access)


def _changeable(operator: Any, person: User | None) -> tuple[str, ...]:
    """What the service would refuse is not offered."""
    if person is None or person.pk == operator.pk:
        return ()
    if operator.is_superuser:
        return _ACCESS
    return () if person.is_superuser else ("is_active",)


@admin.register(Organization)
class OrganizationAdmin(LookOnly):
    list_display = ("name", "slug", "keeps_content", "created_at")
    search_fields = ("name", "slug", "id__exact")
    ordering = ("-created_at",)
    shown = ("id", "name", "slug", "keeps_content", "content_retention_days", "created_at")


@admin.register(Membership)
class MembershipAdmin(LookOnly):
    list_display = ("organization", "user", "role", "created_at")
    list_select_related = ("organization", "user")
    list_filter = ("role",)
    search_fields = ("organization__name", "user__email")
    ordering = ("-created_at",)
    shown = ("id", "organization", "user", "role", "created_at")


@admin.register(Invitation)
class InvitationAdmin(LookOnly):
    list_display = ("email", "organization", "role", "created_at", "expires_at", "accepted_at", "revoked_at")
    list_select_related = ("organization",)
    list_filter = ("role",)
    search_fields = ("email", "organization__name")
    ordering = ("-created_at",)
    shown = (
        "id", "email", "organization", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at",
    )  # fmt: skip


@admin.register(ApiKey)
class ApiKeyAdmin(LookOnly):
    list_display = ("name", "prefix", "organization", "mode", "purpose", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("organization",)
    list_filter = ("mode", "purpose")
    search_fields = ("name", "prefix", "organization__name")
    ordering = ("-created_at",)
    shown = (
        "id", "name", "prefix", "organization", "created_by", "scopes", "mode", "purpose", "pepper_id",
        "allowed_networks", "allowed_models", "requests_per_minute", "tokens_per_minute", "monthly_budget_usd",
        "rolled_from", "family_id", "created_at", "expires_at", "last_used_at", "last_used_address", "revoked_at",
    )  # fmt: skip


@admin.register(ProviderCredential)
class ProviderCredentialAdmin(LookOnly):
    list_display = ("provider", "organization", "last_four", "created_at", "tested_at")
    list_select_related = ("organization",)
    search_fields = ("provider", "organization__name")
    ordering = ("-created_at",)
    shown = (
        "id", "provider", "organization", "base_url", "last_four", "created_by", "created_at", "tested_at",
        "test_result",
    )  # fmt: skip


@admin.register(AuditEvent)
class AuditEventAdmin(LookOnly):
    list_display = ("occurred_at", "organization", "sequence", "action", "actor_kind", "object_name", "address")
    list_select_related = ("organization",)
    list_filter = ("actor_kind",)
    search_fields = ("action", "organization__slug", "object_id__exact", "request_id__exact")
    ordering = ("-id",)  # time-ordered, and indexed
    shown = (
        "organization", "sequence", "occurred_at", "action", "actor_kind", "actor_user_id", "actor_key_id",
        "actor_role", "object_kind", "object_id", "object_name", "before", "after", "address", "user_agent",
        "request_id", "previous_hash_hex", "hash_hex",
    )  # fmt: skip

    @admin.display(description="previous hash")
    def previous_hash_hex(self, event: AuditEvent) -> str:
        return bytes(event.previous_hash).hex()

    @admin.display(description="hash")
    def hash_hex(self, event: AuditEvent) -> str:
        return bytes(event.hash).hex()


@admin.register(AuditHead)
class AuditHeadAdmin(LookOnly):
    list_display = ("organization", "sequence", "hash_hex")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "organization__slug")
    ordering = ("organization",)
    shown = ("organization", "sequence", "hash_hex")

    @admin.display(description="hash")
    def hash_hex(self, head: AuditHead) -> str:
        return bytes(head.hash).hex()


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(LookOnly):
    """That an email waits, and why; whom it goes to and what it says is sealed."""

    list_display = ("id", "created_at", "attempts", "next_attempt_at", "last_error")
    search_fields = ("id__exact", "last_error")
    ordering = ("-created_at",)
    shown = ("id", "created_at", "attempts", "next_attempt_at", "last_error")


@admin.register(Authenticator)
class AuthenticatorAdmin(LookOnly):
    """That somebody has a second factor; never which."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    list_filter = ("type",)
    search_fields = ("user__email",)
    ordering = ("-created_at",)
    shown = ("user", "type", "created_at", "last_used_at")


@admin.register(UserSession)
class UserSessionAdmin(LookOnly):
    list_display = ("user", "ip", "user_agent", "created_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "ip")
    ordering = ("-last_seen_at",)
    shown = ("user", "ip", "user_agent", "created_at", "last_seen_at")


@admin.register(EmailAddress)
class EmailAddressAdmin(LookOnly):
    list_display = ("email", "user", "primary", "verified")
    list_select_related = ("user",)
    list_filter = ("verified",)
    search_fields = ("email", "user__email")
    ordering = ("-id",)
    shown = ("user", "email", "primary", "verified")


@admin.register(EmailConfirmation)
class EmailConfirmationAdmin(LookOnly):
    list_display = ("email_address", "created", "sent")
    list_select_related = ("email_address__user",)
    search_fields = ("email_address__email",)
    ordering = ("-id",)
    shown = ("email_address", "created", "sent")


@admin.register(Group)
class GroupAdmin(LookOnly):
    list_display = ("name",)
    search_fields = ("name",)
    ordering = ("name",)
    shown = ("name", "permissions")


@admin.register(LogEntry)
class LogEntryAdmin(LookOnly):
    """What operators did here."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag")
    list_select_related = ("user", "content_type")
    search_fields = ("user__email", "object_repr", "object_id__exact")
    ordering = ("-id",)
    shown = ("action_time", "user", "content_type", "object_id", "object_repr", "action_flag", "change_message")
