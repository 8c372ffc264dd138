"""The processes the product consists of."""

import sys
from pathlib import Path

from acron_site.lib.config import Config
from acron_site.supervisor import Program

# in a container everything runs as root, and the jobs are our own: the warning says nothing new
_QUIETLY = "ignore:You're running the worker with superuser privileges"
_CELERY = (sys.executable, "-W", _QUIETLY, "-m", "celery", "--quiet", "-A", "acron_site.celery")


def worker_count(config: Config) -> int:
    """Web workers to start. A cache in memory is one process's own, and so are its limits."""
    return 1 if config.cache.backend == "memory" else config.api.workers


def web_workers(config: Config, descriptor: int) -> list[Program]:
    return [
        Program(
            f"web worker {number}",
            (sys.executable, "-m", "acron_site.web", str(descriptor), str(config.api.shutdown_grace_seconds)),
            group="web",
            stop_seconds=config.api.shutdown_grace_seconds + 5,
            descriptors=(descriptor,),
        )
        for number in range(1, worker_count(config) + 1)
    ]


def background(folder: Path) -> list[Program]:
    schedule = ("--schedule", str(folder / "beat"), "--pidfile=", "--loglevel", "WARNING")
    worker = ("--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")
    return [
        Program("beat", (*_CELERY, "beat", *schedule), group="background", stop_seconds=3, delay_seconds=3),
        Program(
            "background worker", (*_CELERY, "worker", *worker), group="background", stop_seconds=3, delay_seconds=3
        ),
    ]
