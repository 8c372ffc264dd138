"""Verifies the audit logs' hash chains."""

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import selectors, selectors_audit
from accounts.models import Organization
from accounts.selectors_audit import Head, Verdict
from acron_site.lib.errors import AcronError


class Command(BaseCommand):
    help = "Verifies the hash chain of each organization's audit log. Ends with 1 when one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", default="", help="slug or id; without it all are verified")
        parser.add_argument(
            "--head", type=_head, help="SEQUENCE:HASH noted earlier (needs --organization): finds a chain written anew"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["head"] and not options["organization"]:
            raise CommandError("--head is the head of one organization's log: say which by --organization")
        found = [
            (organization, selectors_audit.verify(organization.pk, expected=options["head"], on_progress=progress))
            for organization in self._organizations(options["organization"])
            for progress in (self._progress(organization),)
        ]
        documents = [_document(organization, verdict) for organization, verdict in found]
        lines = [_line(organization, verdict) for organization, verdict in found]
        self.stdout.write(json.dumps(documents) if options["json"] else "\n".join(lines))
        if not all(verdict.is_intact for _, verdict in found):
            sys.exit(1)

    def _organizations(self, name: str) -> list[Organization]:
        if not name:
            return list(Organization.objects.order_by("slug"))
        try:
            return [selectors.organization_named(name)]
        except AcronError as error:
            raise CommandError(error.message) from error

    def _progress(self, organization: Organization) -> Callable[[int], None]:
        def show(checked: int) -> None:
            if self.stderr.isatty():
                self.stderr.write(f"\r{organization.slug}: {checked}", ending="")

        return show


def _head(text: str) -> Head:
    sequence, _, digest = text.partition(":")
    try:
        return Head(int(sequence), bytes.fromhex(digest))
    except ValueError:
        raise ArgumentTypeError("a head looks like 42:9f86d0...; copy it from /audit or from an export") from None


def _line(organization: Organization, verdict: Verdict) -> str:
    if verdict.is_intact:
        return f"{organization.slug}: intact, {verdict.checked} acts, head {verdict.head}"
    return f"{organization.slug}: BROKEN at {verdict.first_broken_sequence}: {verdict.reason}"


def _document(organization: Organization, verdict: Verdict) -> dict[str, Any]:
    return {
        "organization": organization.slug,
        "is_intact": verdict.is_intact,
        "checked": verdict.checked,
        "first_broken_sequence": verdict.first_broken_sequence,
        "reason": verdict.reason,
        "head": {"sequence": verdict.head.sequence, "hash": verdict.head.hash.hex()},
    }
