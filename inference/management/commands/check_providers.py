"""`manage.py check_providers`: whether each provider takes the operator's key."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from acron_site.lib.errors import AcronError
from inference import connection_check, own_keys
from inference.catalog import CatalogError


@dataclass(frozen=True, slots=True)
class _Finding:
    provider: str
    key: str  # the variable that holds it
    is_set: bool
    result: str

    @property
    def has_failed(self) -> bool:
        return self.is_set and self.result != connection_check.OK


class Command(BaseCommand):
    help = "Tests the operator's own key of every provider of the catalogue. Ends with 1 when one is refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            findings = list(_findings())
        except (AcronError, CatalogError) as error:
            raise CommandError(str(error)) from error
        lines = [f"{each.provider}: {each.result}" for each in findings]
        documents = [{**asdict(each), "is_ok": each.is_set and not each.has_failed} for each in findings]
        self.stdout.write(json.dumps(documents) if options["json"] else "\n".join(lines or ["no provider takes a key"]))
        if any(each.has_failed for each in findings):
            sys.exit(1)


def _findings() -> Iterator[_Finding]:
    for provider in own_keys.catalog().providers:
        if not provider.takes_keys:
            continue
        key = own_keys.operators_key(provider)
        result = connection_check.check(provider, key).says if key else f"no key; set {provider.api_key_env} to use it"
        yield _Finding(provider.name, provider.api_key_env, bool(key), result)
