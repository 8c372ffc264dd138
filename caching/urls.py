"""Pages of the cache."""

from django.urls import URLPattern, path

from caching.views import entries, gates, overview, policies, purges

# /cache/entries and /cache/gates are for programs
urlpatterns: list[URLPattern] = [
    path("cache", overview.cache, name="cache"),
    path("cache/similar/<uuid:gate_id>", gates.gate, name="cache-gate"),
    path("cache/similar/<uuid:gate_id>/begin-anew", gates.begin_anew, name="cache-gate-begin-anew"),
    path("cache/kept", entries.kept, name="cache-kept"),
    path("cache/kept/<uuid:entry_id>", entries.entry, name="cache-entry"),
    path("cache/kept/<uuid:entry_id>/delete", entries.delete, name="cache-entry-delete"),
    path("cache/kept/<uuid:entry_id>/mark-wrong", entries.mark_wrong, name="cache-entry-mark-wrong"),
    path("cache/kept/<uuid:entry_id>/pin", entries.pin, name="cache-entry-pin"),
    path("cache/kept/<uuid:entry_id>/unpin", entries.unpin, name="cache-entry-unpin"),
    path("cache/purge", purges.purge, name="cache-purge"),
    path("cache/policies", policies.policies, name="cache-policies"),
    path("cache/policy", policies.policy, name="cache-policy"),
    path("cache/policy/remove", policies.remove, name="cache-policy-remove"),
]
