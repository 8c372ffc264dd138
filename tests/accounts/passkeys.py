"""A passkey made of software: signs what a browser would have an authenticator sign."""

import hashlib
import json
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

ORIGIN = "http://localhost"
_PRESENT_AND_VERIFIED, _WITH_CREDENTIAL = 0x05, 0x40


class SoftPasskey:
    def __init__(self, identity: bytes = b"a credential of Ada's") -> None:
        self.identity = identity
        self._key = ec.generate_private_key(ec.SECP256R1())

    def register(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.create` answers, as the page posts it."""
        self.user_handle = options["publicKey"]["user"]["id"]
        public = cbor.encode(dict(ES256.from_cryptography_key(self._key.public_key())))
        credential = bytes(16) + struct.pack(">H", len(self.identity)) + self.identity + public
        data = self._authenticator_data(_PRESENT_AND_VERIFIED | _WITH_CREDENTIAL) + credential
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = _client_data("webauthn.create", options)
        return self._answer(
            {"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(attestation)}
        )

    def prove(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.get` answers."""
        data, client = self._authenticator_data(_PRESENT_AND_VERIFIED), _client_data("webauthn.get", options)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": websafe_encode(client),
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(signature),
                "userHandle": self.user_handle,
            }
        )

    def _authenticator_data(self, flags: int) -> bytes:
        return hashlib.sha256(b"localhost").digest() + bytes([flags]) + struct.pack(">I", 0)

    def _answer(self, response: dict[str, Any]) -> str:
        identity = websafe_encode(self.identity)
        extensions = {"credProps": {"rk": True}}
        return json.dumps(
            {
                "type": "public-key",
                "id": identity,
                "rawId": identity,
                "response": response,
                "clientExtensionResults": extensions,
            }
        )


def _client_data(kind: str, options: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "challenge": options["publicKey"]["challenge"], "origin": ORIGIN}).encode()
