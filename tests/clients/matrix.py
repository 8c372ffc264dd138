"""Every client that people have, case by case, through the product.

Run as `python -m tests.clients.matrix [--straight] [CLIENT...]`; `scripts/clients` installs the clients. With
`--straight` they ask the stand-in itself: what passes there must pass through the product.
"""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests import live
from tests.clients import standing, upstream

SCRIPTS = Path(__file__).with_name("scripts")
_AT_ONCE = 2
_CLIENT_SECONDS = 120
_CLAUDE, _GPT = "claude-haiku-5-5", "gpt-6.1-sol"
_CROSSED = ("plain", "stream", "tools", "vision", "json_schema")


@dataclass(frozen=True)
class Client:
    """`python` is the folder with its packages, or an interpreter; `crossed` is what it asks of the other provider."""

    name: str
    script: str
    home: str = ""
    crossed: tuple[str, ...] = ()

    def missing(self) -> str:
        """Why it cannot be run here, or ""."""
        if self.script == "curl.py" or self.script.endswith(".mjs"):
            program = "curl" if self.script == "curl.py" else "node"
            if not shutil.which(program):
                return f"{program} is not installed"
        is_there = not self.home or (folder() / f"{self.home}.installed").exists()
        return "" if is_there else f"{self.home} is not installed; scripts/clients does it"

    def command(self, arguments: list[str]) -> list[str]:
        if self.script.endswith(".mjs"):
            # a module finds packages beside itself
            for module in SCRIPTS.glob("*.mjs"):
                shutil.copy(module, folder() / "npm")
            return ["node", str(folder() / "npm" / self.script), *arguments]
        own = folder() / self.home / "bin" / "python"
        python = str(own) if self.home and own.exists() else sys.executable
        return [python, str(SCRIPTS / self.script), *arguments]

    def environ(self) -> dict[str, str]:
        """Of the caller's no more than a person's shell has: the clients look for keys and addresses there."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        is_folder = self.home and not (folder() / self.home / "bin" / "python").exists()
        return {**kept, **({"PYTHONPATH": str(folder() / self.home)} if is_folder else {})}


@dataclass(frozen=True)
class Cell:
    """One client in one case."""

    client: str
    case: str
    ok: bool
    detail: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'} {self.client} {self.version} {self.case} {self.detail}".rstrip()


def _at(model: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{name}@{model}" for name in names)


_BETWEEN = ("crossed_errors", "crossed_cut", "crossed_retries", "crossed_conversation")
_OPENAI_CROSSED = _BETWEEN + _at(
    _CLAUDE,
    *(*_CROSSED, "turns", "stream_usage", "parallel_tools", "forced_tool", "one_tool", "tools_stream", "vision_url"),
    *(
        "document",
        "parse",
        "length",
        "responses",
        "responses_stream",
        "responses_tools",
        "responses_vision",
    ),
)
_ANTHROPIC_CROSSED = _BETWEEN + _at(
    _GPT,
    *(*_CROSSED, "turns", "raw_stream", "parallel_tools", "forced_tool", "one_tool", "tools_stream", "vision_url"),
    *("document", "length", "count"),
)
CLIENTS = (
    Client("openai-3", "openai_sdk.py", crossed=_OPENAI_CROSSED),
    Client("openai-2", "openai_sdk.py", "openai2", crossed=_at(_CLAUDE, *_CROSSED)),
    Client("anthropic-2", "anthropic_sdk.py", crossed=_ANTHROPIC_CROSSED),
    Client("anthropic-0", "anthropic_sdk.py", "anthropic0", crossed=_at(_GPT, *_CROSSED)),
    Client("openai-npm", "openai_npm.mjs", "npm", crossed=_at(_CLAUDE, *_CROSSED)),
    Client("anthropic-npm", "anthropic_npm.mjs", "npm", crossed=_at(_GPT, "plain", "stream", "tools", "vision")),
    Client("ai-sdk", "ai_sdk.mjs", "npm", crossed=_at(_CLAUDE, "plain", "stream", "tools", "vision", "object")),
    Client(
        "langchain",
        "langchain_clients.py",
        "frameworks",
        crossed=_at(_CLAUDE, *_CROSSED) + _at(_GPT, *(f"anthropic_{name}" for name in _CROSSED)),
    ),
    Client("llama-index", "llamaindex_client.py", "frameworks"),
    Client("litellm", "litellm_client.py", "frameworks", crossed=_at(f"openai/{_CLAUDE}", *_CROSSED)),
    Client("instructor", "instructor_client.py", "frameworks", crossed=_at(_CLAUDE, "tools", "json_schema")),
    Client("curl", "curl.py"),
)


def folder() -> Path:
    return Path(os.environ.get("ACRON_CLIENTS", live.ROOT / "build" / "clients")).resolve()


def straight(clients: Iterable[Client]) -> Iterator[Cell]:
    """Against the stand-in itself."""
    with upstream.running() as address:
        yield from _ask(clients, address, upstream.KEY, crossed=False)


def through(clients: Iterable[Client]) -> Iterator[Cell]:
    """Through the product; at the end, whether it kept its callers' keys to itself."""
    with upstream.running() as address, standing.product(address) as product:
        yield from _ask(clients, product.base, product.key, crossed=True)
        yield _keys_at(address)


def _ask(clients: Iterable[Client], base: str, key: str, *, crossed: bool) -> Iterator[Cell]:
    def cells(client: Client) -> list[Cell]:
        return _cells(client, [base, key, "all", *(client.crossed if crossed else ())])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for each in pool.map(cells, [client for client in clients if not client.missing()]):
            yield from each


def _cells(client: Client, arguments: list[str]) -> list[Cell]:
    try:
        done = subprocess.run(
            client.command(arguments),
            env=client.environ(),
            capture_output=True,
            text=True,
            timeout=_CLIENT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [Cell(client.name, "all", ok=False, detail=f"not done within {_CLIENT_SECONDS} s")]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = [Cell(client.name, line["case"], line["ok"], line["detail"], line["version"]) for line in lines]
    if done.returncode or not found:
        found.append(Cell(client.name, "its script", ok=False, detail=done.stderr[-600:]))
    return found


def _keys_at(address: str) -> Cell:
    """Only the operator's key has reached the provider, and nothing else that belongs to a caller."""
    for call in upstream.calls(address):
        headers = call["headers"]
        keys = {headers.get("x-api-key", upstream.KEY), headers.get("authorization", upstream.KEY)}
        if not {key.removeprefix("Bearer ") for key in keys} <= {upstream.KEY} or "cookie" in headers:
            return Cell("provider", "only the operator's key", ok=False, detail=f"{call['path']}: {sorted(headers)}")
    return Cell("provider", "only the operator's key", ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.clients.matrix", description=__doc__)
    parser.add_argument("--straight", action="store_true", help="ask the stand-in itself")
    parser.add_argument("client", nargs="*", help=f"of {', '.join(client.name for client in CLIENTS)}")
    options = parser.parse_args()
    chosen = [client for client in CLIENTS if not options.client or client.name in options.client]
    for client in chosen:
        if reason := client.missing():
            print(f"SKIPPED {client.name}: {reason}")
    if not options.straight:
        importlib.import_module("acron_site.settings_test")  # the services of a test run
    failed = total = 0
    for cell in straight(chosen) if options.straight else through(chosen):
        print(cell, flush=True)
        total, failed = total + 1, failed + (not cell.ok)
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
