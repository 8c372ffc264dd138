"""`infer --prompt TEXT`: one inference through the whole pipeline, from the command line."""

import asyncio
import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from acron_site.lib.errors import AcronError
from inference.commandline import add_organization_option, ask_once, principal_of


class Command(BaseCommand):
    help = "Answers one prompt through cache, routing and provider, and prints what it cost."

    def add_arguments(self, parser: CommandParser) -> None:
        add_organization_option(parser)
        parser.add_argument("--prompt", required=True)
        parser.add_argument("--system", default=None)
        parser.add_argument("--routing-mode", choices=["autopilot", "guided", "explicit"], default=None)
        parser.add_argument("--model", dest="model_override", help="the model to use (explicit routing)")
        parser.add_argument("--quality-preference", choices=["low", "medium", "high", "max"], default=None)
        parser.add_argument("--latency-preference", choices=["slow", "normal", "fast", "instant"], default=None)
        parser.add_argument("--json", action="store_true", help="the whole answer of POST /infer")

    def handle(self, **options: Any) -> None:
        names = (
            "prompt",
            "system",
            "routing_mode",
            "model_override",
            "quality_preference",
            "latency_preference",
        )
        request = {name: options[name] for name in names if options[name] is not None}
        try:
            principal = principal_of(options["organization"])
            answer = asyncio.run(ask_once(settings.ACRON, principal, request))
        except AcronError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(answer, indent=2) if options["json"] else _lines(answer))


def _lines(answer: dict[str, Any]) -> str:
    source = "cache tier 1" if answer["cache_hit"] else answer["provider"]
    return (
        f"{answer['response']}\n\n"
        f"{answer['model_used']} via {source} ({answer['routing']['reason']})\n"
        f"cost {answer['cost'] or 'unpriced'} USD, baseline {answer['baseline_cost'] or 'unpriced'} USD, "
        f"saved {answer['savings'] or 'unknown'} USD in {answer['latency_ms']} ms"
    )
