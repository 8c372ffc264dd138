"""The background worker and what it does regularly."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acron_site.settings")

app = Celery("acron", set_as_current=True)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "settle-abandoned": {"task": "analytics.settle_abandoned", "schedule": 60.0},
    "purge-content": {"task": "analytics.purge_content", "schedule": 300.0},
    "recalibrate-gates": {"task": "caching.recalibrate_gates", "schedule": 60.0},
    "evict-semantic-entries": {"task": "caching.evict_semantic_entries", "schedule": 300.0},
    "tend-semantic-indexes": {"task": "caching.tend_semantic_indexes", "schedule": 300.0},
    "re-embed-entries": {"task": "caching.re_embed_entries", "schedule": 300.0},
    "forget-old-pairs": {"task": "inference.forget_old_pairs", "schedule": 3600.0},
    "fit-routing-weights": {"task": "inference.fit_routing_weights", "schedule": 3600.0},
    "send-waiting-emails": {"task": "accounts.send_waiting_emails", "schedule": 60.0},
    "tidy-shelves": {"task": "caching.tidy_shelves", "schedule": 600.0},
    "sweep-belongings": {"task": "accounts.sweep_belongings", "schedule": 600.0},
}


@signals.setup_logging.connect
def _keep_logging(**_: Any) -> None:
    """Being there is enough: else Celery would add handlers of its own, which write past our filter of secrets."""
