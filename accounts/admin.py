"""What operators see of accounts; nothing here shows a password, a key or a digest."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import ApiKey, Membership, Organization, User

_TIMES = ["created_at", "expires_at", "last_used_at", "revoked_at"]


class ReadMostly(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Rows are made, changed and ended by the product's own services."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(User)
class UserAdmin(ReadMostly):
    list_display = ["email", "full_name", "is_active", "is_staff", "created_at", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "full_name"]
    fields = ["email", "full_name", "is_active", "is_staff", "is_superuser", "created_at", "last_login"]
    readonly_fields = ["email", "is_superuser", "created_at", "last_login"]


@admin.register(Organization)
class OrganizationAdmin(ReadMostly):
    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    fields = ["id", "name", "slug", "created_at"]
    readonly_fields = ["id", "slug", "created_at"]


@admin.register(Membership)
class MembershipAdmin(ReadMostly):
    list_display = ["organization", "user", "role", "created_at"]
    list_select_related = ["organization", "user"]
    search_fields = ["organization__name", "user__email"]
    fields = ["organization", "user", "role", "created_at"]
    readonly_fields = ["organization", "user", "role", "created_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadMostly):
    list_display = ["name", "prefix", "organization", "mode", "purpose", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["organization"]
    list_filter = ["mode", "purpose"]
    search_fields = ["name", "prefix", "organization__name"]
    fields = ["name", "prefix", "organization", "created_by", "scopes", "mode", "purpose", *_TIMES]
    readonly_fields = ["name", "prefix", "organization", "created_by", "scopes", "mode", "purpose", *_TIMES]
