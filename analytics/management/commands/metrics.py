"""Prints what each organization's requests cost and saved."""

from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from accounts import selectors as account_selectors
from accounts.models import Organization
from acron_site.lib.errors import NotFoundError
from analytics import documents, selectors
from analytics.selectors import Metrics


class Command(BaseCommand):
    help = "Totals of the ledger, one line for each organization."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", metavar="SLUG_OR_ID", help="only this one")
        parser.add_argument("--json", action="store_true", help="for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        found = [(organization, selectors.totals(organization.pk)) for organization in _wanted(options["organization"])]
        if options["json"]:
            self.stdout.write(orjson.dumps([_document(*pair) for pair in found]).decode())
            return
        for pair in found:
            self.stdout.write(_line(*pair))
        if not found:
            self.stdout.write("no organization yet; create_organization makes one")


def _wanted(name: str | None) -> list[Organization]:
    if name is None:
        return list(Organization.objects.order_by("slug"))
    try:
        return [account_selectors.organization_named(name)]
    except NotFoundError as error:
        raise CommandError(error.message) from error


def _document(organization: Organization, metrics: Metrics) -> dict[str, Any]:
    identity = {"organization_id": str(organization.pk), "organization": organization.slug}
    return {**identity, **documents.of_metrics(metrics)}


def _line(organization: Organization, metrics: Metrics) -> str:
    shown = documents.of_metrics(metrics)
    tiers = ", ".join(f"T{tier} {hits}" for tier, hits in metrics.tier_hits.items())
    return (
        f"{organization.slug}: {metrics.requests} requests, {metrics.provider_calls} provider calls, "
        f"{metrics.cache_hit_rate:.1%} from the cache ({tiers}), paid ${shown['total_cost']}, "
        f"saved ${shown['savings']}, {metrics.errors} errors, {metrics.unpriced} unpriced"
    )
