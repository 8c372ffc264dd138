"""Addresses of the cache for programs."""

from django.urls import URLPattern, path

from caching.api import entries

urlpatterns: list[URLPattern] = [
    path("cache/entries", entries.EntriesView.as_view(), name="api-cache-entries"),
    path("cache/entries/purge", entries.PurgeView.as_view(), name="api-cache-purge"),
    path("cache/entries/export", entries.ExportView.as_view(), name="api-cache-export"),
    path("cache/entries/<uuid:entry_id>", entries.EntryView.as_view(), name="api-cache-entry"),
    path("cache/entries/<uuid:entry_id>/pin", entries.PinView.as_view(), name="api-cache-pin"),
    path("cache/entries/<uuid:entry_id>/unpin", entries.UnpinView.as_view(), name="api-cache-unpin"),
    path("cache/entries/<uuid:entry_id>/mark-wrong", entries.MarkWrongView.as_view(), name="api-cache-mark-wrong"),
]
