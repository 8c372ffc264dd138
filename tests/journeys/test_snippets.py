"""The way of somebody new: signed up, key and snippets on the page, each snippet run as it is shown."""

import html
import http.cookiejar
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts import keys, snippets
from accounts.snippets import Snippet
from tests.live import Live

START, FRAGMENT, SEND = "/getting-started", "/getting-started/first-request", "/getting-started/send"
ASKS_BY_ENVIRONMENT = """
from openai import OpenAI

with OpenAI() as client:
    answer = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "Hello"}])
    print(answer.choices[0].message.content)
"""


class Browser:
    """Keeps cookies, follows redirects, runs no scripts."""

    def __init__(self, base: str) -> None:
        self.base = base
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def get(self, path: str) -> str:
        return self._read(urllib.request.Request(self.base + path))

    def post(self, path: str, page: str, **fields: str) -> str:
        """Sends a form that stands on `page`."""
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        return self._read(urllib.request.Request(self.base + path, data=body))

    def _read(self, request: urllib.request.Request) -> str:
        with self._opener.open(request, timeout=60) as response:
            text: str = response.read().decode()
        return text


@dataclass(frozen=True)
class Newcomer:
    browser: Browser
    page: str  # getting started, as signing up led to it

    @property
    def snippets(self) -> dict[str, str]:
        """Those on the page, by name, as a person would copy them."""
        blocks = re.findall(r"<summary>([^<]+)</summary>.*?<code>(.*?)</code>", self.page, re.DOTALL)
        return {html.unescape(name): html.unescape(text) for name, text in blocks}


@pytest.fixture(scope="module")
def newcomer(product: Live) -> Newcomer:
    return sign_up(product, "new@example.com")


def test_signing_up_leads_to_a_key_that_stands_in_all_snippets(newcomer):
    found = re.findall(keys.PATTERN, newcomer.page)

    assert len(set(found)) == 1
    assert len(newcomer.snippets) == len(snippets.ALL)
    assert all(found[0] in text for text in newcomer.snippets.values())


def test_the_first_request_is_seen_to_arrive_with_what_it_cost(product):
    newcomer = sign_up(product, "first@example.com")
    assert "No request has arrived yet" in newcomer.browser.get(FRAGMENT)

    sent = newcomer.browser.post(SEND, newcomer.page)
    arrived = until_arrived(newcomer.browser)

    assert "not answered" not in sent
    assert "Request received" in arrived
    assert re.search(r"<dt>Cost</dt><dd>\$0\.\d+</dd>", arrived)
    assert "200 ok" in arrived


@pytest.mark.parametrize("with_key", [True, False], ids=["key in place", "key from the environment"])
@pytest.mark.parametrize("snippet", snippets.ALL, ids=lambda snippet: snippet.name)
def test_a_snippet_runs_as_it_is_shown(product, newcomer, tmp_path, snippet, with_key):
    text = newcomer.snippets[snippet.name] if with_key else snippet.render(product.base, None)
    environ = {} if with_key else {"ACRON_API_KEY": product.key}

    assert run(snippet, text, tmp_path, environ).strip()


def sign_up(product: Live, email: str) -> Newcomer:
    browser = Browser(product.base)
    page = browser.post("/signup", browser.get("/signup"), email=email, password1="correct horse battery")
    return Newcomer(browser, page)


def run(snippet: Snippet, text: str, folder: Path, environ: dict[str, str]) -> str:
    if snippet is snippets.CURL:
        require(shutil.which("curl"), "curl is not installed")
        shown = execute(["sh", "-ec", text], environ)
        assert '"choices"' in shown
        return shown
    if snippet is snippets.ENVIRONMENT:
        program = folder / "program.py"
        program.write_text(ASKS_BY_ENVIRONMENT, encoding="utf-8")
        return execute(["sh", "-ec", f"{text}\nexec {sys.executable} {program}"], environ)
    if snippet is snippets.JAVASCRIPT_OPENAI:
        return run_node(text, environ)
    interpreter = clients() / "frameworks" / "bin" / "python" if snippet is snippets.LITELLM else Path(sys.executable)
    require(interpreter.exists(), f"{snippet.name} is not installed; scripts/test installs it where it can")
    program = folder / "snippet.py"
    program.write_text(text, encoding="utf-8")
    return execute([str(interpreter), str(program)], environ)


def clients() -> Path:
    """Where scripts/clients has put what people have beside our own packages."""
    return Path(os.environ.get("ACRON_CLIENTS", "build/clients")).resolve()


def run_node(text: str, environ: dict[str, str]) -> str:
    folder = clients() / "npm"
    is_there = shutil.which("node") and (folder / "node_modules" / "openai").exists()
    require(is_there, "node or its openai package is not installed; scripts/test installs the package where node is")
    program = folder / "snippet.mjs"
    program.write_text(text, encoding="utf-8")
    return execute(["node", str(program)], environ)


def require(is_there: object, reason: str) -> None:
    if not is_there:
        pytest.skip(reason)


def execute(command: list[str], environ: dict[str, str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def until_arrived(browser: Browser, seconds: float = 10.0) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page = browser.get(FRAGMENT)
        if "Request received" in page:
            return page
        time.sleep(0.1)
    raise AssertionError(f"no request arrived within {seconds:g} s")
