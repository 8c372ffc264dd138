"""The product with its background worker and a real mail server beside it, for journeys that need a letter."""

import email
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.policy import default
from pathlib import Path
from signal import SIGTERM
from typing import Any

from aiosmtpd.controller import Controller

from acron_site import keeper
from tests import live

_MAIL_SECONDS = 20.0


@dataclass
class Post:
    """What the mail server was given."""

    letters: list[Message] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the name it looks for
        self.letters.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def link(self, to: str, path: str) -> str:
        """The newest link to `path` in a letter to somebody, once it has come."""
        end = time.monotonic() + _MAIL_SECONDS
        while time.monotonic() < end:
            for letter in reversed(self.letters):
                found = re.search(rf"https?://[^/\s]+({path}[^\s]*)", _text(letter))
                if letter["To"] == to and found:
                    return found[1]
            time.sleep(0.05)
        subjects = [f"{letter['To']}: {letter['Subject']}" for letter in self.letters]
        raise AssertionError(
            f"no letter to {to} with a link to {path} within {_MAIL_SECONDS:g} s; there are {subjects}"
        )


@dataclass
class Town:
    product: live.Live
    post: Post


@contextmanager
def built(data_dir: Path) -> Iterator[Town]:
    post, port = Post(), live.free_port()
    server = Controller(post, hostname="127.0.0.1", port=port)
    server.start()
    settings = {
        "ASAHI_PROVIDERS_MOCK": "true",
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
    }
    try:
        with live.running(data_dir, settings=settings) as product, _worker(product, data_dir):
            yield Town(product, post)
    finally:
        server.stop()


@contextmanager
def _worker(product: live.Live, data_dir: Path) -> Iterator[None]:
    options = ("--pool", "solo", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")
    with (data_dir / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "acron_site.celery", "worker", *options),
            cwd=live.ROOT,
            env=product.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=keeper.dies_with_parent(SIGTERM),  # noqa: PLW1509 - one system call, no Python lock
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(15)


def _text(letter: Message) -> str:
    body = letter.get_body(("plain",))  # type: ignore[attr-defined]  # an EmailMessage, by its policy
    return str(body.get_content())
