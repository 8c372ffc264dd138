"""Starting the web server for a person at a terminal: what is shared by `up` and `api`."""

import http.client
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from django.conf import settings

from acron_site import embedded, embedding, keeper
from acron_site.lib.config import Config
from acron_site.supervisor import Program, Supervisor

PROVIDER_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "COHERE_API_KEY")
MOCK = {"ASAHI_PROVIDERS_MOCK": "true"}


def has_provider_key(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in PROVIDER_KEYS)


def keep_running(
    programs: Sequence[Program],
    say: Callable[[str], None],
    *,
    environ: Mapping[str, str],
    announce: Callable[[], None],
) -> None:
    """Runs the programs until a signal comes; `announce` is called once, when the first request can be answered."""

    def when_ready() -> bool:
        if not _answers(settings.ACRON):
            return False
        announce()
        return True

    def look_after_services() -> None:
        try:
            embedded.revive()
        except keeper.ServiceError as error:
            say(str(error))

    with embedding.offered(settings.ACRON, settings.ENVIRON, Path(settings.DATA_DIR)) as embedder:
        Supervisor(
            [*programs, *embedder.programs],
            Path(settings.BASE_DIR),
            say,
            environ={**environ, **embedder.environ},
            every_second=look_after_services,
        ).run(when_ready)


def address(config: Config) -> str:
    """Where a browser on this machine finds the product."""
    host = _reachable(config.api.host)
    return f"http://[{host}]:{config.api.port}" if ":" in host else f"http://{host}:{config.api.port}"


def curl_line(config: Config, api_key: str) -> str:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "Say hello in one sentence."}]})
    parts = ["curl", "-s", f"{address(config)}/v1/chat/completions"]
    parts += ["-H", f"Authorization: Bearer {api_key}", "-H", "Content-Type: application/json", "-d", body]
    return shlex.join(parts)


def _answers(config: Config) -> bool:
    host = next((name for name in settings.ALLOWED_HOSTS if "*" not in name), "localhost").lstrip(".")
    connection = http.client.HTTPConnection(_reachable(config.api.host), config.api.port, timeout=2)
    try:
        connection.request("GET", "/health/ready", headers={"Host": host})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
