"""`manage.py audit_usage FILE`: what a provider's usage export or a request log says could have been saved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from acron_site.lib.errors import AcronError
from inference.benchmark import audit_report, choosable, conditions, exports, files, likely_hits, lines
from inference.benchmark.audit import Audit
from inference.benchmark.audit_report import Found
from inference.benchmark.exports import Reading, Record
from inference.catalog import CatalogError

_SHOWN_EVERY = 10_000
# beside the threshold of the settings, how much less alike questions may be at the other end of the range
_LENIENCE = 0.10


class Command(BaseCommand):
    help = (
        "Reads a usage export of OpenAI or Anthropic, or a log of requests with or without prompts, and says what was "
        "spent and what cache, routing and prompt caching would have saved. Needs no key and sends nothing anywhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV, JSON or JSON lines, .gz or not")
        parser.add_argument("--format", choices=exports.FORMATS, default="auto")
        parser.add_argument("--models-file", metavar="FILE", help="whose prices count; default: the settings'")
        parser.add_argument("--quality-threshold", type=float, metavar="X", help="0 to 5; default: the settings'")
        files.add_output_options(parser)

    def handle(self, **options: Any) -> None:
        threshold = options["quality_threshold"]
        if threshold is None:
            threshold = settings.ACRON.routing.default_quality_threshold
        try:
            catalog = choosable.load(options["models_file"])
            found = self._found(Audit(catalog, quality_threshold=threshold), options)
        except (AcronError, CatalogError) as error:
            raise CommandError(str(error)) from error
        except (OSError, EOFError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}") from error
        if not found.audit.requests and not found.reading.billed:
            raise CommandError(f"no row of {options['file']} counts tokens; name its kind with --format")
        said = conditions.conditions(
            catalog,
            file=f"{options['file'].name}, read as {found.reading.format}",
            quality_threshold=f"{threshold:g}",
            tier_2=f"thresholds {settings.ACRON.cache.semantic_threshold:g} and "
            f"{settings.ACRON.cache.semantic_threshold - _LENIENCE:g}",
        )
        files.finish(self, audit_report.report(found, said), "audit", options)

    def _found(self, audit: Audit, options: dict[str, Any]) -> Found:
        reading = Reading()
        with lines.opened(options["file"]) as file:
            audit.take_all(self._shown(exports.read(file, options["format"], reading)))
        strict = settings.ACRON.cache.semantic_threshold
        likely = likely_hits.estimate(audit.questions, strict=strict, lenient=strict - _LENIENCE)
        return Found(audit, reading, likely)

    def _shown(self, records: Iterator[Record]) -> Iterator[Record]:
        for number, record in enumerate(records, start=1):
            yield record
            if number % _SHOWN_EVERY == 0 and self.stderr.isatty():
                self.stderr.write(f"\r{number:,} rows", ending="")
