"""What accounts keeps sealed: provider keys, second factors, waiting emails and browser sessions."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session

from accounts import provider_keys, resealing, sessions
from accounts.encryption import HEAD_BYTES, Cipher, DecryptionError
from accounts.models import OutgoingEmail, ProviderCredential
from accounts.resealing import SealedRows, Tally
from accounts.services import outbox
from accounts.sign_in import second_factor

_SEALED_FIELDS = ("secret", "seed")  # of a one-time code's authenticator, of the recovery codes


def register() -> None:
    for holding in (
        SealedRows(
            "provider keys",
            ProviderCredential.all_organizations.all,
            lambda row: provider_keys.place_of(row.organization_id, row.base_url),
        ),
        SecondFactors(),
        SealedRows("waiting emails", OutgoingEmail.objects.all, lambda row: outbox.aad_of(row.pk)),
        Sessions(),
    ):
        resealing.register(holding)


class Sessions(SealedRows):
    """Expired ones too, until somebody clears them away. One that does not open only logs its owner out."""

    is_lasting = False
    _head_length = HEAD_BYTES // 3 * 4  # in base64; the head is a multiple of three

    def __init__(self) -> None:
        super().__init__("sessions", Session.objects.all, lambda _: sessions.PLACE, column="session_data")

    def unpacked(self, kept: Any) -> bytes:
        return _decoded(kept)

    def kept_as(self, sealed: bytes) -> str:
        return b64encode(sealed).decode()


class SecondFactors:
    """Secrets inside of allauth's JSON; passkeys are public and lie there in clear."""

    name = "second factors"
    is_lasting = True

    def reseal(self, cipher: Cipher) -> Iterator[Tally]:
        for batch in resealing.in_batches(Authenticator.objects.all):
            yield sum((self._reseal(row, cipher) for row in batch), Tally())

    def survey(self, cipher: Cipher) -> Iterator[Tally]:
        for batch in resealing.in_batches(Authenticator.objects.all):
            unknown = sum(not all(map(cipher.knows_key_of, _secrets(row.data).values())) for row in batch)
            yield Tally(seen=len(batch), unreadable=unknown)

    def _reseal(self, row: Authenticator, cipher: Cipher) -> Tally:
        former = [name for name, sealed in _secrets(row.data).items() if not cipher.is_current(sealed)]
        if not former:
            return Tally(seen=1)
        data = dict(row.data)
        for name in former:
            try:
                data[name] = second_factor.reseal(data[name])
            except DecryptionError:
                return Tally(seen=1, unreadable=1)
        return resealing.replaced(Authenticator.objects.all, row, "data", data)


def _secrets(data: dict[str, Any]) -> dict[str, bytes]:
    return {name: _decoded(data[name]) for name in _SEALED_FIELDS if name in data}


def _decoded(text: str) -> bytes:
    """What is no base64 is no sealed value either: nothing opens it."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""
