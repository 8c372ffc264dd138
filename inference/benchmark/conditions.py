"""Under which conditions a report was made: when, with what, on what, and how it was called."""

import os
import platform
import shlex
import sys
from collections.abc import Mapping

import numpy as np
from django.utils import timezone

from acron_site import __version__
from inference.benchmark.intervals import LEVEL, Bootstrap
from inference.catalog import Catalog


def conditions(catalog: Catalog, boot: Bootstrap | None = None, **more: str) -> Mapping[str, str]:
    dates = sorted(model.prices.as_of for model in catalog.models if model.prices.as_of is not None)
    priced = f"{dates[0]} to {dates[-1]}" if dates else "none"
    drawn = (
        {}
        if boot is None
        else {
            "intervals": f"{LEVEL:.0%}, percentiles of {boot.draws:,} bootstrap draws of requests, paired, "
            f"seed {boot.seed}"
        }
    )
    return {
        "date": timezone.now().strftime("%Y-%m-%d %H:%M UTC"),
        "command": _command(),
        "version": f"ACRON {__version__}, Python {platform.python_version()}, numpy {np.__version__}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "prices": f"looked up {priced}, version {catalog.price_version}",
        **drawn,
        **{name.replace("_", " "): text for name, text in more.items()},
    }


def _command() -> str:
    """Without the folders of this machine: a report is made to be shown."""
    words = [word.rsplit("/", 1)[-1] if word.startswith("/") else word for word in sys.argv[1:]]
    return shlex.join(["manage.py", *words])
