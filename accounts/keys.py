"""API keys as text: how they are made, read and proven.

`ak_live_<8 public>_<32 secret><6 checksum>` in base62. The public part finds the row, the secret (190 bits)
proves it, and the checksum (CRC-32 of all before it) lets a secret scanner tell a key from a look-alike:
`ak_(?:live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}`.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from acron_site.lib.config import SettingsError

Mode = Literal["live", "test"]

PATTERN = r"ak_(?:live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}"

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PREFIX_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 8, 32, 6
_SHAPE = re.compile(r"ak_(?P<mode>live|test)_(?P<prefix>[0-9A-Za-z]{8})_[0-9A-Za-z]{38}")
_SHORTEST_PEPPER_BYTES = 16
_LARGEST_PEPPER_ID = 32_767  # kept as a smallint


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A well-formed key; whether it is anybody's is another question."""

    mode: Mode
    prefix: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Peppers:
    """Numbered secrets that digests are made with. The one that comes first makes new digests, all prove old ones."""

    by_id: Mapping[int, bytes] = field(repr=False)

    @property
    def current_id(self) -> int:
        return next(iter(self.by_id))

    @property
    def current(self) -> bytes:
        return self.by_id[self.current_id]


def make(mode: Mode) -> tuple[str, str]:
    """A new key and its public part."""
    prefix = _random(_PREFIX_LENGTH)
    body = f"ak_{mode}_{prefix}_{_random(_SECRET_LENGTH)}"
    return body + checksum(body), prefix


def parse(text: str) -> ParsedKey | None:
    """The parts of a key, or None when it has another shape or was mistyped."""
    shape = _SHAPE.fullmatch(text)
    if shape is None or checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    mode: Mode = "live" if shape["mode"] == "live" else "test"
    return ParsedKey(mode=mode, prefix=shape["prefix"], text=text)


def checksum(body: str) -> str:
    """CRC-32 in six digits of base62."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, remainder = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[remainder] + digits
    return digits


def digest(text: str, pepper: bytes) -> bytes:
    """What is stored instead of the key. Keys are random, so one HMAC is enough; guessing cannot succeed."""
    return hmac.digest(pepper, text.encode(), hashlib.sha256)


def read_peppers(setting: str, secret_key: str) -> Peppers:
    """Peppers from `2:hex,1:hex`, the one in use first. Number 1, when it is not given, is derived from the
    application's secret key, so that keys made before the setting was filled stay valid. Raises SettingsError."""
    derived = hmac.digest(secret_key.encode(), b"acron api key pepper 1", hashlib.sha256)
    given = dict(_read_pepper(entry) for entry in setting.split(",") if entry.strip())
    return Peppers(given if 1 in given else {**given, 1: derived})


def token_from(authorization: str | None, x_api_key: str | None) -> str | None:
    """The key a caller presents: `Authorization: Bearer <key>`, else `x-api-key`."""
    if authorization:
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() == "bearer" and credentials.strip():
            return credentials.strip()
    return (x_api_key or "").strip() or None


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _read_pepper(entry: str) -> tuple[int, bytes]:
    number, _, text = entry.strip().partition(":")
    try:
        pepper_id, pepper = int(number), bytes.fromhex(text)
    except ValueError:
        raise SettingsError("ASAHI_KEY_PEPPERS must look like 1:<hex>,2:<hex>") from None
    if not 1 <= pepper_id <= _LARGEST_PEPPER_ID or len(pepper) < _SHORTEST_PEPPER_BYTES:
        raise SettingsError(
            f"ASAHI_KEY_PEPPERS: number {number} must lie between 1 and {_LARGEST_PEPPER_ID}, with at least "
            f"{_SHORTEST_PEPPER_BYTES} random bytes in hex, for example from `openssl rand -hex 32`"
        )
    return pepper_id, pepper
