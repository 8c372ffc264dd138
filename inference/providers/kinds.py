"""What each kind of provider can be asked: its dialects by format."""

from inference.domain import Format
from inference.providers.anthropic import AnthropicDialect
from inference.providers.anthropic_access import Marking, unmarked
from inference.providers.base import Dialect
from inference.providers.embeddings import EmbeddingsDialect
from inference.providers.messages_native import MessagesDialect
from inference.providers.openai import OpenAIDialect
from inference.providers.responses_native import ResponsesDialect
from inference.providers.translated import TranslatedDialect
from inference.wire.messages_chat import MessagesTranslation
from inference.wire.responses_chat import ResponsesTranslation


def dialects_of(
    kind: str,
    *,
    api_key: str,
    name: str,
    key_name: str = "",
    geography: str = "",
    is_own_key: bool = False,
    marked: Marking = unmarked,
) -> dict[Format, Dialect]:
    """`kind` is one of inference.catalog.DIALECTS; the rest is said in OpenAIAccess and AnthropicAccess."""
    if kind == "anthropic":

        def anthropics(dialect: type[AnthropicDialect | MessagesDialect]) -> Dialect:
            return dialect(api_key=api_key, name=name, key_name=key_name, is_own_key=is_own_key, marked=marked)

        # results of tools with pictures and files in them are what Anthropic has and chat completions have not
        chat = _chatting(anthropics(AnthropicDialect), results_hold_parts=True)
        return chat | {Format.MESSAGES: anthropics(MessagesDialect)}

    def access(dialect: type[OpenAIDialect | ResponsesDialect | EmbeddingsDialect]) -> Dialect:
        return dialect(api_key=api_key, name=name, key_name=key_name, geography=geography, is_own_key=is_own_key)

    spoken = _chatting(access(OpenAIDialect)) | {Format.EMBEDDINGS: access(EmbeddingsDialect)}
    return spoken | {Format.RESPONSES: access(ResponsesDialect)} if kind == "openai" else spoken


def _chatting(chat: Dialect, *, results_hold_parts: bool = False) -> dict[Format, Dialect]:
    """What follows from speaking chat completions."""
    return {
        Format.CHAT: chat,
        Format.MESSAGES: TranslatedDialect(MessagesTranslation(), chat),
        Format.RESPONSES: TranslatedDialect(ResponsesTranslation(results_hold_parts=results_hold_parts), chat),
    }
