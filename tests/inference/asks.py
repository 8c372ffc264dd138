"""Asks and models as the providers' tests need them."""

from typing import Any

from inference.catalog import Model
from inference.domain import Ask, RoutingMode


def ask(*, stream: bool = False, include_usage: bool = False, **fields: Any) -> Ask:
    body = {"model": "any", "messages": [{"role": "user", "content": "Name three rivers."}], **fields}
    return Ask(
        request_id="req_1",
        endpoint="chat.completions",
        mode=RoutingMode.EXPLICIT,
        model_requested="any",
        body=body,
        stream=stream,
        include_usage=include_usage,
    )


def openai_model(*, base_url: str = "https://provider.test/v1", **fields: Any) -> Model:
    settled = {"name": "gpt", "provider": "openai", "upstream_model": "gpt-2026", "base_url": base_url}
    return Model(**{**settled, "capabilities": frozenset({"sampling", "streaming"}), **fields})


def anthropic_model(**fields: Any) -> Model:
    settled = {
        "name": "claude",
        "provider": "anthropic",
        "upstream_model": "claude-2026",
        "base_url": "https://provider.test",
        "max_output_tokens": 64_000,
        "capabilities": frozenset({"sampling", "streaming"}),
        "dialect": "anthropic",
    }
    return Model(**{**settled, **fields})
