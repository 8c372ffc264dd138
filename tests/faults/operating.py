"""An operator's process beside the product: makes keys and revokes them when told to.

Run as `python -m tests.faults.operating` with the product's environment. A line `make` is answered with a key of
Ada's organization, `revoke KEY` with the moment (seconds since 1970) at which the revocation stood.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import django

from tests.live import ROOT

Operator = Callable[[str], str]


@contextmanager
def at_work(environ: Mapping[str, str]) -> Iterator[Operator]:
    """Such a process: call it with a line, and it returns the answer."""
    command = (sys.executable, "-m", "tests.faults.operating")
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:

        def tell(line: str) -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{line}\n")
            return process.stdout.readline().strip()

        yield tell


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acron_site.settings")
    django.setup()
    for line in sys.stdin:
        word, _, text = line.strip().partition(" ")
        print(_make() if word == "make" else _revoke(text), flush=True)


def _make() -> str:
    from accounts import actor
    from accounts.models import Organization
    from accounts.scopes import Scope
    from accounts.services import api_keys

    ada = Organization.objects.get(slug="ada")
    return api_keys.issue(actor.system(ada.pk), ada, "Story", scopes=[Scope.INFER]).text


def _revoke(text: str) -> str:
    from accounts import actor, keys
    from accounts.models import ApiKey
    from accounts.services import api_keys

    parsed = keys.parse(text)
    assert parsed is not None
    key = ApiKey.all_organizations.get(prefix=parsed.prefix)
    api_keys.revoke(actor.system(key.organization_id), key.pk)
    return str(time.time())


if __name__ == "__main__":
    main()
