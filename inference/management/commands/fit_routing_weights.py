"""`fit_routing_weights`: learns now from the evidence that organizations have gathered, as beat does every hour."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import selectors as account_selectors
from accounts.models import Organization
from acron_site.lib.errors import NotFoundError
from inference import services_evidence, wiring
from inference.routing.earning import Earned


class Command(BaseCommand):
    help = "Fits what the predictor knows of each organization's requests, and says whether it is trusted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", default="", help="slug or id; without it all are fitted")

    def handle(self, *_args: Any, **options: Any) -> None:
        catalog = wiring.load_catalog(settings.ACRON)
        for organization in _wanted(options["organization"]):
            found = services_evidence.fit(organization.pk, catalog)
            self.stdout.write(f"{organization.slug}: {_told(found)}")


def _wanted(name: str) -> list[Organization]:
    if not name:
        return list(Organization.objects.order_by("slug"))
    try:
        return [account_selectors.organization_named(name)]
    except NotFoundError as error:
        raise CommandError(error.message) from error


def _told(found: Earned | None) -> str:
    if found is None:
        return "no new evidence"
    figures = found.figures
    judged = "" if figures is None else f", log-loss {figures.loss:.3f} (the catalogue alone {figures.prior_loss:.3f})"
    return f"{found.rows} rows{judged}: {found.why_not or 'trusted'}"
