"""`manage.py purge_cache`: deletes kept answers of one organization or of all."""

import json
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import actor as actors
from accounts import selectors
from accounts.models import Organization
from acron_site.lib.errors import AcronError
from caching import entry_query, services_entries, wiring
from caching.entry_query import TIERS, Selection

_FILTERS = ("namespace", "model", "task", "tag", "prefix", "older_than", "tier")


class Command(BaseCommand):
    help = (
        "Deletes kept answers, all of them or those that every filter fits, for all workers at once. Answers under an "
        "Idempotency-Key are no part of the cache: they stay for their day, or until the organization is deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--organization", default="", help="slug or id")
        whose.add_argument("--all-organizations", action="store_true")
        parser.add_argument("--namespace", default="")
        parser.add_argument("--model", default="")
        parser.add_argument("--task", default="")
        parser.add_argument("--tag", default="", help="a name and a value: team:search")
        parser.add_argument("--prefix", default="", help="how the question begins")
        parser.add_argument("--older-than", default="", metavar="AGE", help="90s, 30m, 12h, 7d, 2w")
        parser.add_argument("--tier", default="", choices=[str(tier) for tier in TIERS])
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")
        parser.add_argument("--yes", action="store_true", help="do not ask before deleting")
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, **options: Any) -> None:
        if not settings.REDIS_URL:
            raise CommandError(
                "without Redis the answers lie in the web worker's own memory, which no command reaches; "
                "send POST /cache/entries/purge, or restart it"
            )
        try:
            chosen = entry_query.selection({name: options[name] for name in _FILTERS}, now=time.time())
            organizations = _organizations(options)
            if not (options["dry_run"] or options["yes"] or self._is_confirmed(organizations, chosen)):
                raise CommandError("nothing was deleted")
            found = {each.slug: _purge(each, chosen, is_trial=options["dry_run"]) for each in organizations}
        except AcronError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(found) if options["json"] else _text(found, is_trial=options["dry_run"]))

    def _is_confirmed(self, organizations: Sequence[Organization], chosen: Selection) -> bool:
        """Asks only a person."""
        if not self.stdout.isatty():
            return True
        count = sum(sum(_purge(each, chosen, is_trial=True).values()) for each in organizations)
        self.stdout.write(f"delete {count:,} entries of {len(organizations):,} organizations? [y/N] ", ending="")
        self.stdout.flush()
        return input().strip().lower() in ("y", "yes")


def _organizations(options: dict[str, Any]) -> Sequence[Organization]:
    if options["all_organizations"]:
        return list(Organization.objects.order_by("slug"))
    return [selectors.organization_named(options["organization"])]


def _purge(organization: Organization, chosen: Selection, *, is_trial: bool) -> dict[int, int]:
    actor = actors.system(organization.pk)
    return services_entries.purge(wiring.shelves(), actor, chosen, is_trial=is_trial, is_all=True)


def _text(found: dict[str, dict[int, int]], *, is_trial: bool) -> str:
    done = "would go" if is_trial else "deleted"
    lines = [f"{slug}: {_counts(counts)} {done}" for slug, counts in found.items()]
    total = sum(sum(counts.values()) for counts in found.values())
    return "\n".join([*lines, f"{total:,} entries {done}"])


def _counts(counts: dict[int, int]) -> str:
    return ", ".join(f"tier {tier}: {count:,}" for tier, count in counts.items())
