"""How Anthropic is reached: address, key, headers, and what its refusals mean."""

from collections.abc import Callable
from typing import Any

from inference.catalog import Model
from inference.providers.refusals import Refusals

API_VERSION = "2023-06-01"


# gives a request the marks that its provider's prompt cache goes by (see inference.prompt_caching)
Marking = Callable[[dict[str, Any]], dict[str, Any]]


def unmarked(body: dict[str, Any]) -> dict[str, Any]:
    return body


class AnthropicAccess:
    """`key_name` is the variable the operator keeps the key in. `is_own_key`: the key is the calling organization's."""

    def __init__(
        self,
        *,
        api_key: str,
        name: str = "anthropic",
        key_name: str = "ANTHROPIC_API_KEY",
        is_own_key: bool = False,
        marked: Marking = unmarked,
    ) -> None:
        self.name = name
        self.marked = marked
        self.headers = {
            "Content-Type": "application/json",
            "anthropic-version": API_VERSION,
            "x-api-key": api_key,
        }
        self.refusals = Refusals(name, key_name, is_own_key=is_own_key)

    @staticmethod
    def messages_url(model: Model) -> str:
        return model.base_url.rstrip("/").removesuffix("/v1") + "/v1/messages"
