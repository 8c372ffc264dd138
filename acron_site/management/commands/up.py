"""`manage.py up`: the whole product on this machine, ready to be tried."""

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from accounts import demo
from accounts.services import api_keys
from acron_site import ports, programs, serving
from acron_site.lib.config import Config


class Command(BaseCommand):
    help = "Prepare the database, then serve web, background worker and schedule until Ctrl-C."

    def handle(self, **_: Any) -> None:
        config = settings.ACRON
        try:
            listener = ports.listen(config.api.host, config.api.port)
        except ports.PortError as error:
            raise CommandError(str(error)) from error
        with listener:
            self._prepare()
            login = demo.ensure_demo()
            api_key = api_keys.issue_run_key(login.organization)
            _let_go_of_database()
            uses_mock = _needs_mock(config, settings.ENVIRON)
            serving.keep_running(
                [*programs.web_workers(config, listener.fileno()), *programs.background(settings.DATA_DIR / "jobs")],
                self._say,
                environ=serving.MOCK if uses_mock else {},
                announce=lambda: self._say(_welcome(config, login, api_key, uses_mock=uses_mock)),
            )

    def _prepare(self) -> None:
        self._wait_for_database()
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        try:
            call_command("import_prices", apply=True, verbosity=0)
        except CommandError as error:  # the models file's prices hold all the same; the book is only their record
            self._say(f"the price book stays as it was: {error}")

    def _wait_for_database(self) -> None:
        was_said = False
        while True:
            try:
                connection.ensure_connection()
            except OperationalError as error:
                if not was_said:
                    self._say(f"PostgreSQL does not answer yet ({str(error).strip()}); waiting for it")
                was_said = True
                time.sleep(1)
            else:
                return

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _needs_mock(config: Config, environ: Mapping[str, str]) -> bool:
    """Without a provider's key only the mock provider can answer; who has decided for or against it is obeyed."""
    has_decided = config.providers.mock or any(environ.get(name) for name in serving.MOCK)
    return not has_decided and not serving.has_provider_key(environ)


def _let_go_of_database() -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's own


def _welcome(config: Config, login: demo.Demo, api_key: str, *, uses_mock: bool) -> str:
    password = f"password {login.password}" if login.password else "with the password you chose"
    names = ", ".join(serving.PROVIDER_KEYS)
    answers = f"the mock provider, as no key is set; set one of {names} for real models"
    return "\n".join(
        [
            "",
            f"ACRON is ready at {serving.address(config)}",
            "",
            f"  Log in    {login.email}  {password}",
            f"  API key   {api_key}  (made for this run)",
            *([f"  Answers   {answers}"] if uses_mock else []),
            "",
            "Try it:",
            "",
            serving.curl_line(config, api_key),
            "",
            "Ctrl-C stops everything.",
        ]
    )
