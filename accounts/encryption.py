"""Encryption at rest: AES-256-GCM under keys that can be rotated.

A sealed value is a format byte, the id of its key (8 bytes), a random nonce (12), the ciphertext and its tag.
The `aad` says where it belongs (table and organization, or cache key): moved anywhere else, it never opens.
"""

import hashlib
import hmac
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from acron_site.lib.config import SettingsError
from acron_site.lib.errors import AcronError

_PLAIN = b"\x00"
_AES_256_GCM = b"\x01"
_KEY_BYTES = 32
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_NONCES_AT_ONCE = 256
_HEADER_BYTES = 1 + _KEY_ID_BYTES
_BOX_START = _HEADER_BYTES + _NONCE_BYTES
HEAD_BYTES = _BOX_START  # tells the key, and with its nonce one sealed value from every other
_CHECKSUM_BYTES = 16
_SHORTEST_PASSPHRASE = 8

# Every worker, and a restored backup, must come to the same key from the setting alone: so the salt is the
# application's, and scrypt at OWASP's cost (32 MB, about 0.3 s, once at start) makes guessing dear.
_SALT = b"acron/encryption-at-rest/v1"
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 3
_SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024


class DecryptionError(AcronError):
    """A sealed value cannot be opened: another key, another place, damage, or no sealed value at all."""

    code = "decryption_failed"


class Cipher(Protocol):
    """Seals what goes to disk and opens what comes back."""

    def seal(self, plaintext: bytes, *, aad: bytes) -> bytes: ...

    def open(self, sealed: bytes, *, aad: bytes) -> bytes:
        """Raises DecryptionError when `sealed` was not sealed by one of our keys for this very `aad`."""
        ...

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed under the key that seals today; the first bytes suffice to tell."""
        ...

    def knows_key_of(self, sealed: bytes) -> bool:
        """Whether one of our keys sealed it, as far as its first bytes tell."""
        ...


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A 256-bit key. Its id is a fingerprint, so the order in the setting may change between two starts."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        return hashlib.sha256(b"acron key id:" + self.secret).digest()[:_KEY_ID_BYTES]


class Nonces:
    """Random nonces, each given once: by threads, and in forked children, too.

    The system's generator is a call into the kernel that lets another thread run, so it is asked for many at a time.
    """

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        os.register_at_fork(after_in_child=self._waiting.clear)

    def next(self) -> bytes:
        while True:
            try:
                return self._waiting.popleft()
            except IndexError:
                pool = os.urandom(_NONCE_BYTES * _NONCES_AT_ONCE)
                starts = range(0, len(pool), _NONCE_BYTES)
                self._waiting.extend(pool[start : start + _NONCE_BYTES] for start in starts)


_nonces = Nonces()


class AesCipher:
    """Seals under the first key, opens under any of them.

    Nonces are random: rotate a key before it has sealed 2^32 values (NIST SP 800-38D, 8.3).
    """

    def __init__(self, keys: Sequence[EncryptionKey]) -> None:
        self._boxes = {key.id: AESGCM(key.secret) for key in keys}
        self._header = _AES_256_GCM + keys[0].id
        self._current = self._boxes[keys[0].id]

    def seal(self, plaintext: bytes, *, aad: bytes) -> bytes:
        nonce = _nonces.next()
        return self._header + nonce + self._current.encrypt(nonce, plaintext, aad)

    def open(self, sealed: bytes, *, aad: bytes) -> bytes:
        # plain values are refused too: otherwise whoever can write to the store could plant unencrypted ones
        if sealed[:1] != _AES_256_GCM:
            raise DecryptionError("this value is not encrypted, but ASAHI_ENCRYPTION_KEY is set; store it again")
        box = self._boxes.get(sealed[1:_HEADER_BYTES])
        if box is None:
            raise DecryptionError(
                "this value was encrypted under a key that is not in ASAHI_ENCRYPTION_KEY; "
                "add the former key there, after a comma"
            )
        try:
            return box.decrypt(sealed[_HEADER_BYTES:_BOX_START], sealed[_BOX_START:], aad)
        except (InvalidTag, ValueError) as error:
            raise DecryptionError("this value was damaged or moved; restore it from a backup") from error

    def is_current(self, sealed: bytes) -> bool:
        return sealed.startswith(self._header)

    def knows_key_of(self, sealed: bytes) -> bool:
        return sealed[:1] == _AES_256_GCM and sealed[1:_HEADER_BYTES] in self._boxes


class PlainCipher:
    """Without a key: marks values as plain; a checksum notices damage and misplacement, not malice."""

    def seal(self, plaintext: bytes, *, aad: bytes) -> bytes:
        return _PLAIN + _checksum(plaintext, aad) + plaintext

    def open(self, sealed: bytes, *, aad: bytes) -> bytes:
        if sealed[:1] != _PLAIN:
            raise DecryptionError("this value is encrypted; set ASAHI_ENCRYPTION_KEY to the key it was stored under")
        plaintext = sealed[1 + _CHECKSUM_BYTES :]
        if not hmac.compare_digest(sealed[1 : 1 + _CHECKSUM_BYTES], _checksum(plaintext, aad)):
            raise DecryptionError("this value was damaged or moved; restore it from a backup")
        return plaintext

    def is_current(self, sealed: bytes) -> bool:
        return sealed[:1] == _PLAIN

    def knows_key_of(self, sealed: bytes) -> bool:
        return sealed[:1] == _PLAIN


def cipher_from(setting: str) -> Cipher:
    """The cipher for ASAHI_ENCRYPTION_KEY: passphrases or 64-digit hex keys, comma-separated, newest first.

    The first key encrypts, all decrypt; empty means values are stored as they are. Raises SettingsError.
    """
    keys = [_key_from(entry) for entry in map(str.strip, setting.split(",")) if entry]
    return AesCipher(keys) if keys else PlainCipher()


def _key_from(entry: str) -> EncryptionKey:
    secret = _from_hex(entry)
    if secret is None and len(entry) < _SHORTEST_PASSPHRASE:
        raise SettingsError(
            f"ASAHI_ENCRYPTION_KEY: a passphrase needs at least {_SHORTEST_PASSPHRASE} characters "
            "and no comma; `openssl rand -hex 32` makes a good key"
        )
    return EncryptionKey(secret or _stretch(entry))


def _from_hex(entry: str) -> bytes | None:
    try:
        secret = bytes.fromhex(entry)
    except ValueError:
        return None
    return secret if len(secret) == _KEY_BYTES and len(entry) == 2 * _KEY_BYTES else None


def _stretch(passphrase: str) -> bytes:
    return hashlib.scrypt(
        passphrase.encode("utf-8", "surrogateescape"),
        salt=_SALT,
        n=_SCRYPT_N,
        r=_SCRYPT_R,
        p=_SCRYPT_P,
        maxmem=_SCRYPT_MEMORY_BYTES,
        dklen=_KEY_BYTES,
    )


def _checksum(plaintext: bytes, aad: bytes) -> bytes:
    digest = hashlib.sha256(len(aad).to_bytes(4, "big"))
    digest.update(aad)
    digest.update(plaintext)
    return digest.digest()[:_CHECKSUM_BYTES]
