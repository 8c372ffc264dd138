"""`run_queries --num-queries 50`: sends test questions through the pipeline and adds up what they cost."""

import asyncio
import json
import sys
from collections import Counter
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from acron_site.lib import money
from acron_site.lib.errors import AcronError
from inference.commandline import add_organization_option, infer, principal_of, running_gateway
from inference.domain import RoutingMode

# a little workload with repeats, as support desks and scripts produce them: 20 questions, asked in turn
QUESTIONS = (
    "What is the capital of France?",
    "Summarise in one sentence: the meeting moved to Thursday because the room was taken.",
    "Translate to German: the invoice is overdue.",
    "Classify the sentiment of: the delivery was late but the support was kind.",
    "Write a Python function that reverses a list.",
    "What is 17 times 23?",
    "Extract the email address: write to ada@example.com before Friday.",
    "Name three risks of storing passwords in plain text.",
    "Rewrite politely: send me the file now.",
    "Explain what an index does in a database.",
    "List the prime numbers below 20.",
    "What does HTTP status 429 mean?",
    "Draft a subject line for a mail about a price change.",
    "Is 2028 a leap year?",
    "Give a synonym for 'rapid'.",
    "Convert 5 miles to kilometres.",
    "What is the difference between TCP and UDP?",
    "Turn into a JSON object: name Grace, age 41, city Oslo.",
    "Which planet is the largest in our solar system?",
    "Suggest a name for a blue paint.",
)


class Command(BaseCommand):
    help = "Sends test questions through the gateway as one organization and prints cost, savings and hits."

    def add_arguments(self, parser: CommandParser) -> None:
        add_organization_option(parser)
        parser.add_argument("--num-queries", type=int, default=50)
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        if options["num_queries"] < 1:
            raise CommandError("--num-queries must be at least 1")
        try:
            principal = principal_of(options["organization"])
            answers = asyncio.run(self._run(principal, options["num_queries"]))
        except AcronError as error:
            raise CommandError(error.message) from error
        summary = _summary(answers)
        self.stdout.write(json.dumps(summary, indent=2) if options["json"] else _lines(summary))

    async def _run(self, principal: Any, count: int) -> list[dict[str, Any]]:
        answers = []
        mode = RoutingMode(settings.ACRON.routing.default_mode)
        async with running_gateway(settings.ACRON) as gateway:
            for index in range(count):
                question = {"prompt": QUESTIONS[index % len(QUESTIONS)]}
                answers.append(await infer(gateway, principal, question, mode))
                self._show(index + 1, count)
        return answers

    def _show(self, done: int, count: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done}/{count}", ending="\n" if done == count else "")


def _summary(answers: list[dict[str, Any]]) -> dict[str, Any]:
    unpriced = sum(answer["cost"] is None for answer in answers)
    return {
        "queries": len(answers),
        "cache_hits": sum(answer["cache_hit"] for answer in answers),
        "cost_usd": _total(answers, "cost"),
        "baseline_cost_usd": _total(answers, "baseline_cost"),
        "saved_usd": _total(answers, "savings"),
        "unpriced": unpriced,
        "models": dict(Counter(answer["model_used"] for answer in answers)),
        "mean_latency_ms": round(sum(answer["latency_ms"] for answer in answers) / len(answers), 3),
    }


def _total(answers: list[dict[str, Any]], name: str) -> str:
    return money.to_text(sum((Decimal(answer[name]) for answer in answers if answer[name] is not None), Decimal(0)))


def _lines(summary: dict[str, Any]) -> str:
    models = ", ".join(f"{name} {count}" for name, count in summary["models"].items())
    unpriced = f" ({summary['unpriced']} unpriced)" if summary["unpriced"] else ""
    return (
        f"{summary['queries']} queries, {summary['cache_hits']} from the cache, mean {summary['mean_latency_ms']} ms\n"
        f"cost {summary['cost_usd']} USD{unpriced}, baseline {summary['baseline_cost_usd']} USD, "
        f"saved {summary['saved_usd']} USD\nmodels: {models}"
    )
