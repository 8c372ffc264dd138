"""`manage.py import_prices`: what a file of prices would change of the price book, and with --apply, changes it."""

import dataclasses
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from acron_site.lib.errors import AcronError
from inference import commandline, litellm_prices, price_book
from inference.catalog import Catalog, CatalogError
from inference.price_book import Offer
from inference.price_changes import Differences


class Command(BaseCommand):
    help = (
        "Show how the prices of a file differ from the price book; take them in with --apply. "
        "Ends with 1 when there are differences that were not taken in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        commandline.add_models_file_option(parser)
        parser.add_argument(
            "--litellm", metavar="FILE", help="LiteLLM's price table, for the models of the models file"
        )
        parser.add_argument("--apply", action="store_true", help="take the prices in")
        parser.add_argument("--valid-from", type=commandline.moment, metavar="ISO", help="from when on; default: now")
        parser.add_argument("--json", action="store_true", help="for scripts")

    def handle(self, **options: Any) -> None:
        moment: datetime = options["valid_from"] or timezone.now()
        try:
            catalog = commandline.catalog_of(options["file"])
            offer = _offer(catalog, options["litellm"], moment)
            found = price_book.take_in(offer, moment) if options["apply"] else price_book.differences(offer, moment)
        except (AcronError, CatalogError) as error:
            raise CommandError(str(error)) from error
        if options["verbosity"]:
            self.stdout.write(_json(found) if options["json"] else _text(found, is_applied=options["apply"]))
        if found and not options["apply"]:
            sys.exit(1)


def _offer(catalog: Catalog, litellm: str | None, moment: datetime) -> Offer:
    offer = price_book.offer_of(catalog)
    if litellm is None:
        return offer
    # what the book says is what is compared; a model that it does not hold yet comes with the file's prices
    held = price_book.holding(moment)
    models = [dataclasses.replace(model, prices=held.get(model.name, model.prices)) for model in catalog.models]
    sheets = litellm_prices.sheets(litellm_prices.read(Path(litellm)), models, today=moment.date())
    return Offer(sheets, offer.providers, is_complete=False)


def _text(found: Differences, *, is_applied: bool) -> str:
    count = len(found.changes)
    end = (
        f"{count} taken in" if is_applied else f"{count} to take in: repeat with --apply" if found else "no difference"
    )
    return "\n".join([*map(str, found.changes), f"{found.unchanged} unchanged, {end}"])


def _json(found: Differences) -> str:
    return json.dumps({"changes": list(map(dataclasses.asdict, found.changes)), "unchanged": found.unchanged})
