"""How Anthropic is reached: address, key, headers, and what its refusals mean."""

from inference.catalog import Model
from inference.providers.refusals import Refusals

API_VERSION = "2023-06-01"


class AnthropicAccess:
    """`key_name` is the variable the operator keeps the key in. `is_own_key`: the key is the calling organization's."""

    def __init__(
        self,
        *,
        api_key: str,
        name: str = "anthropic",
        key_name: str = "ANTHROPIC_API_KEY",
        is_own_key: bool = False,
    ) -> None:
        self.name = name
        self.headers = {
            "Content-Type": "application/json",
            "anthropic-version": API_VERSION,
            "x-api-key": api_key,
        }
        self.refusals = Refusals(name, key_name, is_own_key=is_own_key)

    @staticmethod
    def messages_url(model: Model) -> str:
        return model.base_url.rstrip("/").removesuffix("/v1") + "/v1/messages"
