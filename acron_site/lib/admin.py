"""What operators' pages of all apps begin with: tables to look at, changed by the product's own services only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Shows exactly what stands in `shown`, and only to look at. Name no column there that holds a secret."""

    shown: tuple[str, ...] = ()
    show_full_result_count = False  # counting a large table takes longer than showing a page of it
    list_per_page = 50
    actions = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return self.shown

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
