"""`manage.py measure_semantic_store`: how quick and how right look-ups for nearly the same question are here."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from caching import semantic_measuring
from caching.semantic_measuring import Measured, SchemaInUseError, Speed


class Command(BaseCommand):
    help = (
        "Fills a schema of its own with made-up entries, builds their indexes, measures look-ups, and drops it again. "
        "Kept questions are not touched. A million entries need about 4 GB of disk and some minutes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--entries", type=int, default=100_000)
        parser.add_argument("--organizations", type=int, default=200)
        parser.add_argument("--dimension", type=int, default=384)
        parser.add_argument("--queries", type=int, default=500, help="for each size of partitions")
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            measured = semantic_measuring.measure(
                options["entries"],
                options["organizations"],
                dimension=options["dimension"],
                queries=options["queries"],
                note=self.stderr.write,
            )
        except SchemaInUseError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(asdict(measured)) if options["json"] else _shown(measured))


def _shown(measured: Measured) -> str:
    head = (
        f"{measured.entries:,} entries in {measured.partitions:,} partitions, loaded in {measured.load_seconds:.0f} s; "
        f"{measured.indexes} indexes built in {measured.index_seconds:.0f} s; bytes per entry: "
        f"{measured.table_bytes_per_entry:,} table, {measured.index_bytes_per_entry:,} indexes"
    )
    return "\n".join([head, *map(_line, measured.speeds)])


def _line(speed: Speed) -> str:
    return (
        f"{speed.fewest:>7,} to {speed.most:>7,} rows: p50 {speed.p50_ms:.1f} ms, p95 {speed.p95_ms:.1f}, "
        f"p99 {speed.p99_ms:.1f}; recall@1 {speed.recall_at_1:.1%}; all compared: p50 {speed.exact_p50_ms:.1f} ms"
    )
