"""The second factor: whether somebody has one, whether a code proves it, and how its secrets are kept at rest."""

from base64 import b64decode, b64encode

from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator

from accounts import wiring
from accounts.models import User

_AAD = b"mfa_authenticator"
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_needed(user: User) -> bool:
    """Recovery codes alone are no second factor; they go with one."""
    return bool(Authenticator.objects.filter(user=user, type__in=_FACTORS).exists())


def is_proven(user: User, code: str) -> bool:
    """Whether this is a one-time code or an unused recovery code of theirs; it is used up by asking.

    The page's own form: with its limit of tries per person, and its memory of used codes. Needs a request.
    """
    return bool(AuthenticateForm({"code": code}, user=user).is_valid())


def kinds(user: User) -> frozenset[str]:
    """What somebody has set up: totp, webauthn, recovery_codes."""
    return frozenset(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def seal(text: str) -> str:
    """As it stands in `Authenticator.data`: under `secret` (totp) and `seed` (recovery_codes)."""
    return b64encode(wiring.cipher().seal(text.encode(), aad=_AAD)).decode()


def unseal(text: str) -> str:
    """Raises DecryptionError when no key of ours has sealed it."""
    return wiring.cipher().open(b64decode(text), aad=_AAD).decode()


def reseal(text: str) -> str:
    """The same secret under the key that seals today."""
    return seal(unseal(text))
