"""`manage.py rotate_encryption_keys`: everything at rest under the newest key, while the product runs."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import resealing, wiring
from accounts.resealing import Holding, Result, Tally


class Command(BaseCommand):
    help = (
        "Encrypts everything at rest under the first key of ASAHI_ENCRYPTION_KEY. May be broken off and run again. "
        "Ends with 1 when something is left. The order of a rotation: docs/encryption-keys.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.ENCRYPTION_KEY:
            raise CommandError("ASAHI_ENCRYPTION_KEY is not set, so nothing is encrypted; set it first")
        results = [self._reseal(holding) for holding in resealing.holdings()]
        if options["json"]:
            self.stdout.write(json.dumps([{**asdict(result), "is_clean": result.is_clean} for result in results]))
        else:
            self.stdout.write("\n".join([*map(_line, results), _conclusion(results)]))
        if not all(result.is_clean for result in results):
            sys.exit(1)

    def _reseal(self, holding: Holding) -> Result:
        is_terminal = self.stderr.isatty()

        def note(tally: Tally) -> None:
            if is_terminal:
                self.stderr.write(f"\r{holding.name}: {tally.seen:,} seen, {tally.resealed:,} re-sealed", ending="")

        result = resealing.reseal(holding, wiring.cipher(), note)
        if is_terminal:
            self.stderr.write("")
        return result


def _line(result: Result) -> str:
    tally = result.tally
    parts = [f"{result.name}: {tally.seen:,} seen, {tally.resealed:,} re-sealed"]
    parts += [f"{tally.unreadable:,} cannot be opened"] if tally.unreadable else []
    parts += [f"{result.left:,} written under an older key again and again"] if result.left else []
    parts += [result.problem] if result.problem else []
    return "; ".join(parts)


def _conclusion(results: list[Result]) -> str:
    if all(result.is_clean for result in results):
        return "nothing is left under older keys"
    advice = []
    if any(result.tally.unreadable for result in results):
        advice.append("add the former key to ASAHI_ENCRYPTION_KEY after a comma, or give up what cannot be opened")
    if any(result.left for result in results):
        advice.append("some process still has the older key in front: set the same ASAHI_ENCRYPTION_KEY everywhere")
    if any(result.problem for result in results):
        advice.append("run the command again once everything can be reached")
    return f"not everything is under the newest key: {'; '.join(advice)}"
