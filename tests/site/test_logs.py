"""The log's filter: what looks like a secret never reaches a line."""

import io
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from accounts import keys
from acron_site.lib.logs import SecretFilter, masked
from tests.live import ROOT

KEY, PREFIX = keys.make("live")
TEST_KEY, _ = keys.make("test")
TOKEN = "dQw4w9WgXcQ_k3J-9sLmN0pRtUvXyZ12"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        # named, for a name made of chance is another one in each process that shares the tests
        pytest.param(f"key {KEY} is unknown", KEY[-38:], id="a key"),
        pytest.param(f"({TEST_KEY})", TEST_KEY[-38:], id="a test key"),
        pytest.param(f"half a key {KEY[:-10]}", KEY[-38:-10], id="half a key"),
        ("OpenAI said: Incorrect API key provided: sk-proj-abc_DEF-123456", "abc_DEF-123456"),
        ("sk-ant-api03-abcdefgh1234", "abcdefgh1234"),
        ("SG.abcdefgh.12345678", "abcdefgh"),
        (f"Authorization: Bearer {TOKEN}", TOKEN),
        (f"{{'authorization': 'bearer {TOKEN}'}}", TOKEN),
        (f"[(b'authorization', b'Bearer {TOKEN}')]", TOKEN),
        (f"x-api-key: {TOKEN}", TOKEN),
        (f"{{'x-api-key': '{TOKEN}'}}", TOKEN),
        (f"(b'x-api-key', b'{TOKEN}')", TOKEN),
        (f"Authorization: Basic {TOKEN}==", TOKEN),
        ("postgresql://acron:pa55word@db:5432/acron", "pa55word"),
        ("rediss://:pa55word@cache:6379/0", "pa55word"),
        ('{"email": "ada@example.com", "password": "pa55 \\" more"}', "more"),
        ("{'password': 'pa55word'}", "pa55word"),
        ("email=ada%40example.com&password=pa55word&next=/", "pa55word"),
        ("log_in(password='pa55word')", "pa55word"),
        ("new_password1=pa55word", "pa55word"),
        ("ASAHI_ENCRYPTION_SECRET=pa55word", "pa55word"),
        ("DJANGO_SECRET_KEY: pa55word", "pa55word"),
        ('"client_secret": "pa55word"', "pa55word"),
        (f"GET /invitations/{TOKEN} 404", TOKEN),
        (f"Not Found: /password/reset/key/1a-{TOKEN}", TOKEN),
        (f"/verify-email/MQ:1tAbCd:{TOKEN}", TOKEN),
        (f"/join/{TOKEN}", TOKEN),
        (f"GET /signup?token={TOKEN}&next=/", TOKEN),
        (f"Cookie: sessionid={TOKEN}; csrftoken=abc123", TOKEN),
        (f"Set-Cookie: sessionid={TOKEN}; HttpOnly", TOKEN),
        ("DETAIL:  Failing row contains (1, ada@example.com, \\x00ff, t).", "ada@example.com"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\nabc\n-----END PRIVATE KEY-----", "MIIEvQ"),
    ],
)
def test_a_secret_is_masked(text, secret):
    assert secret in text

    line = masked(text)

    assert secret not in line
    assert "***" in line


@pytest.mark.parametrize(
    "text",
    [
        "ledger.carried rows=12 seconds=0.4",
        "GET /governance/api-keys/0193a5f0-7c1e-7000-8000-000000000001 200",
        "/invitations/0193a5f0-7c1e-7000-8000-000000000001",
        "/password/reset/done",
        "https://api.openai.com/v1/chat/completions",
        "postgresql:///acron?host=/tmp/socket",
        "tokens_input 12, tokens_output: 7",
        "task_type=code model=mock-small",
        "risk-averse routing",
        "no API key came with the request; send it as `x-api-key`",
    ],
)
def test_what_is_no_secret_stays_readable(text):
    assert masked(text) == text


def test_the_public_part_of_a_key_stays():
    assert masked(f"revoked {KEY}") == f"revoked ak_live_{PREFIX}_***"


@pytest.fixture
def log():
    """A logger with one handler, and what it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(SecretFilter())
    handler.setFormatter(logging.Formatter("%(message)s %(origin)s", defaults={"origin": ""}))
    logger = logging.getLogger("tests.logs")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)
    logger.propagate = True


def test_message_arguments_and_extras_are_masked(log):
    logger, stream = log

    logger.warning("refused %s for %r", KEY, {"password": "pa55word"}, extra={"origin": f"Bearer {TOKEN}"})

    assert stream.getvalue() == f"refused ak_live_{PREFIX}_*** for {{'password': '***'}} Bearer ***\n"


def test_tracebacks_and_stacks_are_masked(log):
    logger, stream = log

    try:
        fail()
    except ValueError:
        logger.exception("failed", stack_info=True)

    assert "Traceback" in stream.getvalue()
    assert f"bad key ak_live_{PREFIX}_***" in stream.getvalue()
    assert KEY not in stream.getvalue()


def fail():
    raise ValueError(f"upstream said: bad key {KEY}")


def test_a_line_with_wrong_arguments_neither_fails_nor_shows_them(log):
    logger, stream = log

    logger.warning("%s and %s", KEY)  # noqa: PLE1206 - the mistake

    assert stream.getvalue() == "%s and %s \n"


def test_every_handler_of_the_product_has_the_filter():
    configured: dict[str, Any] = dict(settings.LOGGING)
    handlers = configured["handlers"]

    assert [name for name, handler in handlers.items() if "secrets" not in handler.get("filters", [])] == []
    assert configured["filters"]["secrets"]["()"] == "acron_site.lib.logs.SecretFilter"


def test_no_logger_writes_past_the_handlers_of_the_root():
    named = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    ours = [logger for logger in named if logger.name.split(".")[0] in {"django", "uvicorn", "accounts", "acron_site"}]

    assert [logger.name for logger in ours if any(writes(handler) for handler in logger.handlers)] == []
    assert [logger.name for logger in ours if not logger.propagate] == []


def writes(handler: logging.Handler) -> bool:
    return not (isinstance(handler, logging.NullHandler) or type(handler).__module__.startswith("_pytest"))


def test_a_background_worker_adds_no_handlers_of_its_own():
    script = (
        "import django, logging; django.setup()\n"
        "from acron_site.celery import app\n"
        "app.log.setup(loglevel='INFO', redirect_stdouts=True)\n"
        f"logging.getLogger('celery.task').warning('refused {KEY}')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "acron_site.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert f"celery.task refused ak_live_{PREFIX}_***" in done.stderr
    assert KEY not in done.stderr
