"""Asking a worker to do something now, without ever waiting for whoever carries the message."""

import logging
import time
from functools import cache
from typing import Any

from celery import Task, current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# a person waits meanwhile; what is not told is found by a job that runs regularly
_BRIEFLY = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0}
_RETRY_SECONDS = 30.0


def start(job: "Task[..., Any]", *arguments: str, after_seconds: float = 0) -> None:
    """Asks for the job. A broker that is away is logged once and left alone for a while: the job must be one that
    something else does, sooner or later."""
    _bell().ring(job, arguments, after_seconds)


class _Bell:
    """Calls the worker, and stops trying for half a minute when nobody hears."""

    def __init__(self) -> None:
        self._silent_until = 0.0
        self._is_heard = True

    def ring(self, job: "Task[..., Any]", arguments: tuple[str, ...], after_seconds: float) -> None:
        if time.monotonic() < self._silent_until:
            return
        try:
            with current_app.connection_for_write(connect_timeout=0.5, transport_options=_BRIEFLY) as connection:
                job.apply_async(arguments, countdown=after_seconds, connection=connection, retry=False)  # type: ignore[call-arg]
        except (OperationalError, OSError) as error:
            self._silent_until = time.monotonic() + _RETRY_SECONDS
            if self._is_heard:
                logger.warning("jobs.worker_unheard", extra={"cause": type(error).__name__})
            self._is_heard = False
        else:
            self._is_heard = True


@cache
def _bell() -> _Bell:
    return _Bell()
