"""`manage.py correct_prices`: adjusts what past answers of a model cost, by the prices that were right."""

import dataclasses
import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from acron_site.lib import money
from acron_site.lib.errors import AcronError
from inference import adjusting, commandline
from inference.adjusting import Outcome, Span
from inference.catalog import CatalogError


class Command(BaseCommand):
    help = "Show by how much a model's right prices change past answers; write it beside the ledger with --apply."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--model", required=True, help="its name in the models file")
        parser.add_argument("--from", required=True, dest="since", type=commandline.moment, metavar="ISO")
        parser.add_argument("--to", required=True, dest="until", type=commandline.moment, metavar="ISO")
        commandline.add_models_file_option(parser)
        parser.add_argument("--reason", default="the price was wrong", help="is kept with each adjustment")
        parser.add_argument("--apply", action="store_true", help="write the adjustments")
        parser.add_argument("--json", action="store_true", help="for scripts")

    def handle(self, **options: Any) -> None:
        try:
            model = commandline.catalog_of(options["file"]).find(options["model"])
            correction = adjusting.correction(model.name, model.prices, options["reason"])
            act = adjusting.apply if options["apply"] else adjusting.preview
            found = list(act(correction, Span(options["since"], options["until"])))
        except (AcronError, CatalogError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_json(found) if options["json"] else _text(found, is_applied=options["apply"]))


def _text(found: list[tuple[UUID, Outcome]], *, is_applied: bool) -> str:
    lines = [f"{organization_id}: {_line(outcome)}" for organization_id, outcome in found]
    end = "written" if is_applied else "to write: repeat with --apply"
    return "\n".join([*lines, f"{_line(adjusting.total(outcome for _, outcome in found))}, {end}"])


def _line(outcome: Outcome) -> str:
    cost, saved = money.to_text(outcome.cost_usd), money.to_text(outcome.saved_usd)
    repeated = (
        f" ({outcome.repeated} were corrected to this version before and are not again)" if outcome.repeated else ""
    )
    return f"{outcome.rows} adjustments, cost {cost} USD, saved {saved} USD{repeated}"


def _json(found: list[tuple[UUID, Outcome]]) -> str:
    return json.dumps([{"organization_id": str(each), **_document(outcome)} for each, outcome in found])


def _document(outcome: Outcome) -> dict[str, Any]:
    amounts = {"cost_usd": money.to_text(outcome.cost_usd), "saved_usd": money.to_text(outcome.saved_usd)}
    return {**dataclasses.asdict(outcome), **amounts}
