"""`manage.py benchmark`: what cache and routing save against one strong model, with intervals and conditions."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from acron_site.lib.errors import AcronError
from inference import commandline
from inference.benchmark import (
    conditions,
    files,
    intervals,
    lines,
    performance,
    recorded,
    recorded_report,
    workload,
    workload_report,
)
from inference.benchmark.choosers import Price
from inference.benchmark.intervals import Bootstrap
from inference.benchmark.performance import Plan
from inference.benchmark.report import Report
from inference.benchmark.workload import Item
from inference.catalog import CatalogError

_SHIPPED = "config/benchmark.jsonl"
_SEED = 20261101


class Command(BaseCommand):
    help = (
        "Compares the gateway with one strong model: on the workload of the project or one of your own, sent through "
        "the gateway itself as a temporary organization, or on recorded answers of several models whose correctness "
        "is known. Prints and saves a report of cost, hits, quality and latency with confidence intervals."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help=f"a workload, .gz or not; default: {_SHIPPED}")
        parser.add_argument("--requests", type=int, metavar="N", help="the first N alone")
        parser.add_argument("--strong", default="", metavar="MODEL", help="default: routing.baseline_model")
        parser.add_argument(
            "--semantic", choices=["off", "shadow", "auto", "manual"], help="tier 2; default: cache.semantic"
        )
        parser.add_argument("--providers", choices=["mock", "real"], default="mock", help="real ones cost money")
        parser.add_argument("--most-usd", type=_dollars, metavar="USD", help="the ceiling for real providers")
        parser.add_argument("--recorded", type=Path, metavar="FILE", help="recorded answers in place of a workload")
        parser.add_argument(
            "--models", nargs="+", default=[], metavar="MODEL", help="of the recorded ones; default: all"
        )
        parser.add_argument(
            "--price",
            nargs="+",
            default=[],
            type=_price,
            metavar="MODEL=IN/OUT",
            help="of recorded models that the models file does not know, in USD per million tokens",
        )
        parser.add_argument("--seed", type=int, default=_SEED, help="of everything drawn by chance")
        parser.add_argument("--draws", type=int, default=intervals.DRAWS, help="of the bootstrap")
        files.add_output_options(parser)

    def handle(self, **options: Any) -> None:
        if options["draws"] < 1 or options["seed"] < 0:
            raise CommandError("--draws must be at least 1, --seed at least 0")
        make = self._of_recorded if options["recorded"] else self._of_workload
        try:
            with commandline.terminated_as_interrupted():
                made = make(Bootstrap(seed=options["seed"], draws=options["draws"]), options)
        except (AcronError, CatalogError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("stopped; nothing of it stays", returncode=commandline.INTERRUPTED) from None
        files.finish(self, made, "benchmark", options)

    def _of_workload(self, boot: Bootstrap, options: dict[str, Any]) -> Report:
        config, is_real = settings.ACRON, options["providers"] == "real"
        if is_real and options["most_usd"] is None:
            raise CommandError("real providers cost money: say with --most-usd how much at most")
        path = options["file"] or Path(settings.BASE_DIR) / _SHIPPED
        items = _items(path, options["requests"])
        plan = Plan(
            strong=options["strong"] or config.routing.baseline_model,
            semantic=options["semantic"] or config.cache.semantic,
            is_real=is_real,
            most_usd=options["most_usd"],
        )
        run = performance.perform(items, config, plan, show=self._progress(len(items)))
        said = conditions.conditions(
            commandline.catalog_of(None),
            boot,
            workload=f"{path.name}, {_told(items)}",
            settings=f"cache.semantic {plan.semantic}, tolerance {config.cache.semantic_tolerance:g}, "
            f"threshold {config.cache.semantic_threshold:g}; "
            f"routing.default_quality_threshold {config.routing.default_quality_threshold:g}",
            providers=options["providers"],
            took=f"{run.seconds:.0f} s",
        )
        return workload_report.report(run, boot, said)

    def _of_recorded(self, boot: Bootstrap, options: dict[str, Any]) -> Report:
        with _opened(options["recorded"]) as found:
            rows = list(islice(recorded.read(found, options["models"]), options["requests"]))
        prices = dict(options["price"])
        study = recorded.study(rows, commandline.catalog_of(None), strong=options["strong"], prices=prices, boot=boot)
        said = conditions.conditions(
            commandline.catalog_of(None), boot, recordings=f"{options['recorded'].name}, {len(rows):,} prompts"
        )
        return recorded_report.report(study, said)

    def _progress(self, count: int) -> Callable[[int], None]:
        def show(number: int) -> None:
            if sys.stderr.isatty():
                self.stderr.write(f"\r{number:,}/{count:,}", ending="\n" if number == count else "")

        return show


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount <= 0:
        raise ArgumentTypeError(f"{text!r} is no amount of USD above 0")
    return amount


def _price(text: str) -> tuple[str, Price]:
    model, _, amounts = text.rpartition("=")
    into, _, out = amounts.partition("/")
    if not model:
        raise ArgumentTypeError(f"{text!r} is no price like some-model=2.50/10")
    return model, Price(_dollars(into), _dollars(out))


def _items(path: Path, count: int | None) -> Sequence[Item]:
    with _opened(path) as found:
        items = list(islice(workload.read(found), count))
    if not items:
        raise CommandError(f"{path} holds no requests, or --requests is 0")
    return items


def _told(items: Sequence[Item]) -> str:
    counts = workload.counted(items)
    return f"{len(items):,} requests: " + ", ".join(f"{counts[kind]:,} {kind.value}" for kind in workload.Kind)


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[bytes]]:
    try:
        with lines.opened(path) as file:
            yield lines.bounded(file, most_bytes=workload.MOST_LINE_BYTES)
    except (OSError, EOFError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
