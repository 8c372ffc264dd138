"""The product in front of the stand-in: all of its models, and those that fail beside them."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests import live
from tests.clients import faults, upstream
from tests.live import Live

_MODEL = (
    "automatic: false, context_window: 128000, max_output_tokens: 16384, quality: {default: 3}, latency_ms: 100,"
    " capabilities: [forced_tool_choice, json_schema, parallel_tools, sampling, streaming, tools, vision],"
    " prices: {source: invented, as_of: 2026-11-12, standard: {input: 1, cache_read: 0.1, output: 4}}"
)


@contextlib.contextmanager
def product(address: str, *, settings: Mapping[str, str] | None = None) -> Iterator[Live]:
    """The product with the stand-in at `address` in the place of OpenAI and of Anthropic."""
    with tempfile.TemporaryDirectory(prefix="acron-clients-") as folder:
        models = Path(folder) / "models.yaml"
        models.write_text(_models(address), encoding="utf-8")
        given = {
            "OPENAI_API_KEY": upstream.KEY,
            "OPENAI_BASE_URL": f"{address}/v1",
            "ANTHROPIC_API_KEY": upstream.KEY,
            "ANTHROPIC_BASE_URL": address,
            "ASAHI_PROVIDERS_MODELS_FILE": str(models),
        }
        with live.running(Path(folder) / "product", settings={**given, **(settings or {})}) as running:
            yield running


def _models(address: str) -> str:
    """The product's own list and the models that fail, each at a provider of its own: a sick one is not asked again."""
    own = (live.ROOT / "config" / "models.yaml").read_text(encoding="utf-8")
    providers, models = "", ""
    for name in faults.NAMES:
        providers += _provider(name, "openai", f"{address}/v1", "OPENAI_API_KEY")
        providers += _provider(f"claude-{name}", "anthropic", address, "ANTHROPIC_API_KEY")
        models += "".join(f"  {each}: {{provider: at-{each}, {_MODEL}}}\n" for each in (name, f"claude-{name}"))
    head, mark, rest = own.partition("\nproviders:\n")
    return f"{head}{mark}{providers}{rest}\n{models}"


def _provider(name: str, kind: str, address: str, key: str) -> str:
    return f"  at-{name}: {{kind: {kind}, base_url: {address}, api_key_env: {key}}}\n"
