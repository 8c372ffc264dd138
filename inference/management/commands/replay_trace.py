"""`replay_trace FILE`: what the cache would have saved of a trace, and whether its hits were right."""

import gzip
import json
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from acron_site.lib.errors import AcronError
from inference import commandline
from inference.replay import performance, tally, trace
from inference.replay.tally import Outcome
from inference.replay.trace import Request

_SHOWN_EVERY = 100


class Command(BaseCommand):
    help = (
        "Sends a trace of questions through the gateway as temporary organizations, one for each tenant, with tiers 1 "
        "and 2 on and a stand-in for the provider; prints hits, savings and what the gates of tier 2 did. Each request "
        "waits until the one before is learnt from. Nothing of it stays in the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="JSON lines, .gz or not: t, tenant, prompt, group, in_tokens...")
        parser.add_argument("--requests", type=int, metavar="N", help="the first N alone")
        parser.add_argument(
            "--tolerance", type=float, nargs="+", default=[0.01], help="shares of wrong hits, each replayed anew"
        )
        parser.add_argument("--model", default="", help="the model whose prices count; default: the baseline model")
        parser.add_argument(
            "--background-cpu-percent",
            type=int,
            default=100,
            metavar="N",
            help="of one core, for learning, in place of embeddings.background_cpu_percent, which is made for real "
            "time: with less, a replay that is quicker than its trace learns less",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, **options: Any) -> None:
        if not all(0 < tolerance <= 0.2 for tolerance in options["tolerance"]):  # noqa: PLR2004 - as the setting's
            raise CommandError("--tolerance must be above 0 and at most 0.2")
        try:
            requests = _requests(options["file"], options["requests"])
            with commandline.terminated_as_interrupted():
                outcomes = [self._replay(requests, tolerance, options) for tolerance in options["tolerance"]]
        except AcronError as error:
            raise CommandError(error.message) from error
        except KeyboardInterrupt:
            raise CommandError("stopped; nothing of it stays", returncode=commandline.INTERRUPTED) from None
        self.stdout.write(json.dumps(tally.document(outcomes), indent=1) if options["json"] else tally.text(outcomes))

    def _replay(self, requests: Sequence[Request], tolerance: float, options: dict[str, Any]) -> Outcome:
        config = performance.settings_for(
            settings.ACRON, tolerance=tolerance, background_cpu_percent=options["background_cpu_percent"]
        )
        model = options["model"] or config.routing.baseline_model

        def show(number: int) -> None:
            if sys.stderr.isatty() and (number % _SHOWN_EVERY == 0 or number == len(requests)):
                self.stderr.write(f"\r{number:,}/{len(requests):,}", ending="\n" if number == len(requests) else "")

        return performance.perform(requests, config, model=model, show=show)


def _requests(path: Path, count: int | None) -> Sequence[Request]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            found = list(islice(trace.read(file), count))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    if not found:
        raise CommandError(f"{path} holds no requests, or --requests is 0")
    return found
