"""`manage.py backtest`: what an organization's last days would have cost under another policy."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from acron_site.lib.errors import AcronError
from analytics import selectors
from inference.benchmark import choosable, conditions, files, intervals, past, past_report
from inference.benchmark.intervals import Bootstrap
from inference.benchmark.past import Call, Policy
from inference.benchmark.report import Report
from inference.catalog import CatalogError
from inference.commandline import add_organization_option, catalog_of, principal_of
from inference.corrections import usage_of

_SEED = 20261101
_MOST_DAYS = 3650
_BEST = 5


class Command(BaseCommand):
    help = (
        "Prices an organization's past calls again, as other models, another quality threshold or other prices "
        "would have had them answered. Reads tokens, tasks and models of the ledger, no texts, and changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_organization_option(parser)
        parser.add_argument("--days", type=_days, default=30, metavar="N")
        parser.add_argument(
            "--models-file", metavar="FILE", help="the models that may be chosen; default: the settings'"
        )
        parser.add_argument(
            "--models", nargs="+", default=[], metavar="MODEL", help="of these, the only ones to choose"
        )
        parser.add_argument("--prices", metavar="FILE", help="a models file whose prices are tried")
        parser.add_argument("--quality-threshold", type=_quality, metavar="X", help="0 to 5; default: the settings'")
        parser.add_argument("--move-explicit", action="store_true", help="also calls that asked for a model by name")
        parser.add_argument("--seed", type=int, default=_SEED)
        files.add_output_options(parser)

    def handle(self, **options: Any) -> None:
        try:
            made = self._report(options)
        except (AcronError, CatalogError) as error:
            raise CommandError(str(error)) from error
        files.finish(self, made, "backtest", options)

    def _report(self, options: dict[str, Any]) -> Report:
        organization_id = principal_of(options["organization"]).organization_id
        since, policy = timezone.now() - timedelta(days=options["days"]), _policy(options)
        boot = Bootstrap(seed=options["seed"], draws=intervals.DRAWS)
        said = conditions.conditions(
            policy.after,
            boot,
            policy=f"quality >= {policy.quality_threshold:g}; "
            f"models: {', '.join(options['models']) or 'all of the file'}",
            explicit_calls="move" if policy.moves_explicit else "stay",
            since=since.strftime("%Y-%m-%d %H:%M UTC"),
        )
        title = f"Back-test: the last {options['days']} days under another policy"
        return past_report.report(
            past.tried(_calls(organization_id, since), policy), boot, title=title, conditions=said
        )


def _policy(options: dict[str, Any]) -> Policy:
    after = choosable.load(options["models_file"])
    if options["prices"]:
        after = past.at_prices_of(after, catalog_of(options["prices"]))
    threshold = options["quality_threshold"]
    return Policy(
        before=catalog_of(None),
        after=past.narrowed(after, options["models"]),
        quality_threshold=settings.ACRON.routing.default_quality_threshold if threshold is None else threshold,
        moves_explicit=options["move_explicit"],
    )


def _calls(organization_id: UUID, since: datetime) -> Iterator[Call]:
    for row in selectors.settled_since(organization_id, since):
        yield Call(
            request_id=row.request_id,
            kind=row.kind,
            mode=row.routing_mode,
            tier=row.cache_tier,
            model=row.model,
            task=row.task_type or "general",
            usage=usage_of(row),
            paid=row.adjusted_cost_usd,
        )


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _MOST_DAYS:
        raise ArgumentTypeError(f"{text!r} is no number of days from 1 to {_MOST_DAYS}")
    return int(text)


def _quality(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= _BEST:
        raise ArgumentTypeError(f"{text!r} is no quality from 0 to {_BEST}")
    return found
