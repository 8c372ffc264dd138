"""Turns the content of a chat message into Anthropic's content blocks."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.wire import fields

Block = dict[str, Any]

SAID_BY_USERS = frozenset({"text", "refusal", "image_url", "file", "input_audio"})
SAID_BY_ASSISTANTS = frozenset({"text", "refusal"})
SAID_BY_SYSTEMS = frozenset({"text"})

_MEDIA_TYPES = {name: name for name in ("image/jpeg", "image/png", "image/gif", "image/webp")}
_MEDIA_TYPES["image/jpg"] = "image/jpeg"  # a common misspelling
_WEB = ("https://", "http://")
_LONGEST_TITLE = 255


def blocks(content: Any, place: str, *, kinds: frozenset[str]) -> list[Block]:
    """Empty when nothing is said. Raises InvalidRequestError naming the part that cannot be sent."""
    if content is None or isinstance(content, str):
        return text_blocks(content or "")
    if not isinstance(content, list):
        raise InvalidRequestError(f"{place} must be a string or a list of parts", param=place)
    translated = [_block(part, f"{place}[{index}]", kinds) for index, part in enumerate(content)]
    return [block for block in translated if block is not None]


def text_blocks(text: str) -> list[Block]:
    """None for a blank text: Anthropic refuses them."""
    return [{"type": "text", "text": text}] if text.strip() else []


def marked(block: Block, source: Mapping[str, Any]) -> Block:
    """The block with the caller's own cache breakpoint, if `source` has one."""
    mark = source.get("cache_control")
    return block if mark is None else {**block, "cache_control": mark}


def _block(part: Any, place: str, kinds: frozenset[str]) -> Block | None:
    if not isinstance(part, dict):
        raise InvalidRequestError(f"{place} must be an object with a type", param=place)
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidRequestError(
            f"{place}: a part of type {str(kind)[:40]!r} cannot be sent to Anthropic models here; "
            f"use {', '.join(sorted(kinds - {'input_audio', 'refusal'}))}, or choose another model",
            param=place,
        )
    block = _TRANSLATIONS[kind](part, place)
    return None if block is None else marked(block, part)


def _text(part: Mapping[str, Any], place: str) -> Block | None:
    name = part["type"]
    text = part.get(name)
    if not isinstance(text, str):
        raise InvalidRequestError(f"{place}.{name} must be a string", param=f"{place}.{name}")
    return next(iter(text_blocks(text)), None)


def _image(part: Mapping[str, Any], place: str) -> Block:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    place += ".image_url"
    if isinstance(url, str) and url[:8].lower().startswith(_WEB):  # Anthropic fetches it, ACRON never does
        return {"type": "image", "source": {"type": "url", "url": url}}
    media_type, encoded = _data_url(url, place, wanted="an http(s) address or a data URL with base64")
    if media_type not in _MEDIA_TYPES:
        raise InvalidRequestError(f"{place}: Anthropic models see JPEG, PNG, GIF and WebP only", param=place)
    return {"type": "image", "source": _base64(_MEDIA_TYPES[media_type], encoded)}


def _file(part: Mapping[str, Any], place: str) -> Block:
    file = fields.json_object(part, "file", path=f"{place}.")
    place += ".file"
    if file.get("file_id") is not None:
        raise InvalidRequestError(
            f"{place}.file_id names a file at OpenAI, which Anthropic models cannot open; "
            "send its content as file_data, or choose another model",
            param=f"{place}.file_id",
        )
    document = {"type": "document", "source": _document(file.get("file_data"), f"{place}.file_data")}
    if title := fields.text(file, "filename", path=f"{place}."):
        document["title"] = title[:_LONGEST_TITLE]
    return document


def _document(address: Any, place: str) -> Block:
    media_type, encoded = _data_url(
        address, place, wanted="a data URL with base64, like data:application/pdf;base64,..."
    )
    if media_type == "application/pdf":
        return _base64(media_type, encoded)
    if media_type != "text/plain":
        raise InvalidRequestError(f"{place}: Anthropic models read application/pdf and text/plain only", param=place)
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        text = ""
    if not text.strip():
        raise InvalidRequestError(f"{place} must hold text in UTF-8, written in base64", param=place)
    return {"type": "text", "media_type": "text/plain", "data": text}


def _base64(media_type: str, encoded: str) -> Block:
    return {"type": "base64", "media_type": media_type, "data": encoded}


def _data_url(address: Any, place: str, *, wanted: str) -> tuple[str, str]:
    """The media type and the base64 of a data URL."""
    head, _, encoded = address.partition(",") if isinstance(address, str) else ("", "", "")
    scheme, _, described = head.lower().partition(":")
    media_type, *settings = described.split(";")
    if scheme != "data" or "base64" not in settings or not encoded:
        raise InvalidRequestError(f"{place} must be {wanted}", param=place)
    return media_type.strip(), encoded


def _audio(_: Mapping[str, Any], place: str) -> Block:
    raise InvalidRequestError(
        f"{place}: Anthropic models cannot hear; send a transcript as text, or choose a model that takes audio",
        param=place,
    )


_TRANSLATIONS: dict[str, Callable[[Mapping[str, Any], str], Block | None]] = {
    "text": _text,
    "refusal": _text,
    "image_url": _image,
    "file": _file,
    "input_audio": _audio,
}
