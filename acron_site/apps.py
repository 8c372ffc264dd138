"""The site as an app: its commands, its checks and the job queue."""

from importlib import import_module

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "acron_site"
    verbose_name = "ACRON"

    def ready(self) -> None:
        import_module("acron_site.checks")
        # `shared_task(...).delay()` finds its broker only once the app exists
        import_module("acron_site.celery")
