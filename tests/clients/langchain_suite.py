"""LangChain's own integration tests of chat models, at the address that ACRON_SUITE_BASE names.

Run by `langchain_comparison.py`, by the interpreter that has LangChain and without our configuration of pytest.
"""

import base64
import os
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

BASE, KEY = os.environ["ACRON_SUITE_BASE"], os.environ["ACRON_SUITE_KEY"]
# each client asks the other provider's model
IS_CROSSED = bool(os.environ.get("ACRON_SUITE_CROSSED"))
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite fetches its pictures and documents from the web; what they show does not matter."""
    monkeypatch.setattr(httpx, "get", lambda *_, **__: SimpleNamespace(content=PICTURE))


class _Suite(ChatModelIntegrationTests):
    supports_image_inputs = supports_image_urls = supports_pdf_inputs = True


class _OpenAISuite(_Suite):
    chat_model_class = ChatOpenAI
    supports_json_mode = True
    own_model, other_model = ("claude-haiku-5-5", "claude-opus-5-5") if IS_CROSSED else ("gpt-6-luna", "gpt-6.1-sol")

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": self.own_model, "base_url": f"{BASE}/v1", "api_key": KEY, "stream_usage": True}

    @property
    def model_override_value(self) -> str:
        return self.other_model


class TestOpenAI(_OpenAISuite):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        # it would take the newer API for the newer models
        return {**super().chat_model_params, "use_responses_api": False}

    @property
    def supported_usage_metadata_details(self) -> Any:
        return {"invoke": ["reasoning_output", "cache_read_input"], "stream": []}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return ChatOpenAI(**self.chat_model_params, reasoning_effort="low").invoke("Think of a number.")

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        chat = ChatOpenAI(**self.chat_model_params, model_kwargs={"prompt_cache_key": "suite"})
        return chat.invoke("Think of a cache.")


class TestOpenAIResponses(_OpenAISuite):
    supports_image_tool_message = supports_pdf_tool_message = True

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "use_responses_api": True}


class TestAnthropic(_Suite):
    chat_model_class = ChatAnthropic
    supports_anthropic_inputs = supports_image_tool_message = supports_pdf_tool_message = True

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-6-luna" if IS_CROSSED else "claude-haiku-5-5", "base_url": BASE, "api_key": KEY}

    @property
    def model_override_value(self) -> str:
        return "gpt-6.1-sol" if IS_CROSSED else "claude-opus-5-5"
