"""The caching app, as Django knows it."""

from django.apps import AppConfig
from django.conf import settings

from acron_site.lib.config import Config


class CachingConfig(AppConfig):
    name = "caching"
    verbose_name = "Cache"

    def ready(self) -> None:
        from accounts import belongings, resealing
        from caching import semantic_holdings
        from caching.belongings import CachedAnswers
        from caching.resealing import RedisAnswers
        from caching.semantic_belongings import KeptQuestions

        belongings.register(CachedAnswers())
        belongings.register(KeptQuestions())
        for holding in semantic_holdings.sealed_rows():
            resealing.register(holding)
        config: Config = settings.ACRON
        if config.cache.backend == "redis" and settings.REDIS_URL:
            resealing.register(RedisAnswers(settings.REDIS_URL))
