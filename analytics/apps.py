"""The analytics app, as Django knows it."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"
    verbose_name = "Analytics"

    def ready(self) -> None:
        from accounts import belongings, resealing
        from analytics import content_store
        from analytics.belongings import GivenFeedback, KeptWords, LedgerRows

        belongings.register(GivenFeedback())
        belongings.register(LedgerRows())
        belongings.register(KeptWords())
        resealing.register(content_store.sealed_rows())
