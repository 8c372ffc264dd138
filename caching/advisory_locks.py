"""Lets one job at a time do what must not be done twice, of all processes that share the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class Job(IntEnum):
    """Numbers of PostgreSQL's advisory locks, ours."""

    TEND_INDEXES = 7_190_019
    RE_EMBED = 7_190_029


@contextmanager
def alone(job: Job) -> Iterator[bool]:
    """Whether nobody else does it at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [job.value])
        is_ours = bool(cursor.fetchone()[0])
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [job.value])
