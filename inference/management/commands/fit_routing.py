"""`fit_routing --data DIR`: fits on public sets what the predictor starts with, and writes its weights."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.routing import predictor, priors, recorded
from inference.routing.remembered import Remembered, placing


class Command(BaseCommand):
    help = "Fits the weights that the predictor of Autopilot is shipped with; figures come from evaluate_routing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="holds routing/*.jsonl.gz")
        parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()), metavar="DIR", help="of vectors")
        parser.add_argument("--known", action="store_true", help="topics from the texts whose vectors are kept alone")

    def handle(self, *_args: Any, **options: Any) -> None:
        sets = list(recorded.recorded_sets(options["data"]))
        if not sets:
            raise CommandError(f"{options['data']} holds no routing/*.jsonl.gz")
        vectors = Remembered(options["cache"], placing())
        topics = priors.topics([vectors.known(each) for each in sets] if options["known"] else sets, vectors.of)
        predictor.WEIGHTS.parent.mkdir(exist_ok=True)
        predictor.WEIGHTS.write_text(priors.as_json(priors.fit(sets, topics)))
        rows = sum(len(each.rows) for each in sets)
        self.stdout.write(f"weights of {rows:,} prompts in {len(sets)} sets written to {predictor.WEIGHTS.name}")
