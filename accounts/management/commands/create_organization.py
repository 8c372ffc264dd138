"""Founds an organization with its owner and prints their key once."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import organizations
from acron_site.lib.errors import AcronError


class Command(BaseCommand):
    help = "Founds an organization with its owner, who may be new, and prints a key that may do everything there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="the organization's name")
        parser.add_argument("--email", required=True, help="the owner's email address")
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            made = organizations.found(options["name"], options["email"])
        except AcronError as error:
            raise CommandError(error.message) from error
        facts = {
            "organization_id": str(made.organization.pk),
            "slug": made.organization.slug,
            "email": made.user.email,
            "password": made.password,
            "api_key": made.api_key,
        }
        lines = [f"{name}: {value}" for name, value in facts.items() if value is not None]
        self.stdout.write(json.dumps(facts) if options["json"] else "\n".join([*lines, "(shown only once)"]))
