"""Saves a report as text, JSON and HTML, side by side, and prints it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inference.benchmark import report, report_html, report_text
from inference.benchmark.report import Report


def add_output_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where to save it; default: reports/ in the data folder"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def finish(command: BaseCommand, made: Report, name: str, options: Mapping[str, Any]) -> None:
    """Prints the report and names where it lies; the names go beside the output, which scripts may read."""
    paths = save(made, options["output"] or Path(settings.ACRON.storage.data_dir) / "reports", name)
    printed = json.dumps(report.document(made), indent=1) if options["json"] else report_text.text(made)
    command.stdout.write(printed)
    command.stderr.write(f"saved: {', '.join(str(path) for path in paths)}")


def save(made: Report, folder: Path, name: str) -> Sequence[Path]:
    contents = {
        "txt": report_text.text(made) + "\n",
        "json": json.dumps(report.document(made), indent=1) + "\n",
        "html": report_html.page(made),
    }
    stem = f"{name}-{timezone.now():%Y%m%d-%H%M%S}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{stem}.{ending}" for ending in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{folder} cannot be written to: {error}; choose another with --output") from error
    return paths
