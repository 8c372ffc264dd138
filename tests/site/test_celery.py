"""The schedule and the worker mean the same jobs."""

from acron_site.celery import app


def test_every_scheduled_job_is_one_the_worker_knows():
    app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert scheduled
    assert scheduled <= set(app.tasks)
