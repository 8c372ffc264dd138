"""`manage.py warm_cache FILE.jsonl`: keeps answers before anybody asks for them."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.principal import Principal
from acron_site.lib.errors import AcronError
from inference import warming
from inference.commandline import Present, add_organization_option, principal_of, running_gateway
from inference.warming import Lines, Outcome, Warmer


class Command(BaseCommand):
    help = (
        "Keeps the answers of a file of JSON lines, each a chat request with its response, or a request alone, which "
        "is answered by the gateway and costs what it costs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        add_organization_option(parser)
        parser.add_argument("--namespace", default="", help="wins over what a request says")
        parser.add_argument("--ttl", type=int, metavar="SECONDS", help="wins over what a request says")
        parser.add_argument("--yes", action="store_true", help="do not ask before requests are paid for")
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, **options: Any) -> None:
        try:
            with options["file"].open(encoding="utf-8") as file:
                lines = warming.read(file)
            principal = principal_of(options["organization"])
            if not (options["yes"] or lines.asked == 0 or self._is_confirmed(lines.asked)):
                raise CommandError("nothing was asked and nothing was kept")
            outcomes = asyncio.run(self._warm(principal, lines, options))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}") from error
        except AcronError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(_document(outcomes)) if options["json"] else _text(outcomes))

    async def _warm(self, principal: Principal, lines: Lines, options: dict[str, Any]) -> Sequence[Outcome]:
        outcomes = list(lines.bad)
        async with running_gateway(settings.ACRON) as gateway:
            warmer = Warmer(gateway, principal, Present(), namespace=options["namespace"], ttl_seconds=options["ttl"])
            for line in lines.good:
                outcomes.append(await warmer.warm(line))
                self._show(len(outcomes), len(lines.good) + len(lines.bad))
        return sorted(outcomes, key=lambda outcome: outcome.number)

    def _is_confirmed(self, count: int) -> bool:
        if not sys.stdin.isatty():
            raise CommandError(f"{count:,} requests have no response; asking a model for one costs money: add --yes")
        self.stdout.write(f"ask models for {count:,} answers, which costs money? [y/N] ", ending="")
        self.stdout.flush()
        return input().strip().lower() in ("y", "yes")

    def _show(self, done: int, count: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done}/{count}", ending="\n" if done == count else "")


def _document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    skipped = [{"line": each.number, "reason": each.reason} for each in outcomes if not each.is_kept]
    return {"kept": sum(each.is_kept for each in outcomes), "skipped": skipped}


def _text(outcomes: Sequence[Outcome]) -> str:
    skipped = [f"line {each.number}: skipped: {each.reason}" for each in outcomes if not each.is_kept]
    return "\n".join([*skipped, f"{len(outcomes) - len(skipped):,} kept, {len(skipped):,} skipped"])
