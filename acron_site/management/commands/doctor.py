"""`manage.py doctor`: what is in order, what is not, and how to mend it."""

import dataclasses
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from acron_site import diagnosis
from acron_site.diagnosis import Finding, Verdict


class Command(BaseCommand):
    help = "Check every dependency; exit code 1 when one has failed."
    requires_system_checks = []  # what they would say is among the findings

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for scripts")

    def handle(self, **options: Any) -> None:
        findings = list(diagnosis.findings())
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
        else:
            for finding in findings:
                self.stdout.write(_line(finding))
        if any(finding.verdict is Verdict.FAILED for finding in findings):
            sys.exit(1)


def _line(finding: Finding) -> str:
    fix = f"; fix: {finding.fix}" if finding.fix else ""
    return f"{finding.verdict.upper():8} {finding.subject}: {finding.says}{fix}"
