"""`manage.py api`: the web server alone."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from acron_site import ports, programs, serving


class Command(BaseCommand):
    help = "Serve pages and the API, without background jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mock", action="store_true", help="let the mock provider answer for every model")

    def handle(self, *, mock: bool, **_: Any) -> None:
        config = settings.ACRON
        try:
            listener = ports.listen(config.api.host, config.api.port)
        except ports.PortError as error:
            raise CommandError(str(error)) from error
        with listener:
            serving.keep_running(
                programs.web_workers(config, listener.fileno()),
                self._say,
                environ=serving.MOCK if mock else {},
                announce=lambda: self._say(f"ACRON serves at {serving.address(config)}"),
            )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
