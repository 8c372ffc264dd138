"""The background worker and what it does regularly."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acron_site.settings")

app = Celery("acron", set_as_current=True)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "settle-abandoned": {"task": "analytics.settle_abandoned", "schedule": 60.0},
}
