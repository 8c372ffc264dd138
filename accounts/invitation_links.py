"""The links of invitations: their tokens, and whose invitation a token is."""

import hashlib
import secrets
from datetime import datetime
from enum import StrEnum

from accounts.models import Invitation

_TOKEN_BYTES = 32
_LONGEST_TOKEN = 100  # ours have 43 characters


class State(StrEnum):
    """What became of an invitation. Only an open one can be accepted."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


def new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


def digest_of(token: str) -> bytes:
    """What is kept of a token. It is random and long: a plain digest can neither be guessed nor looked up."""
    return hashlib.sha256(token.encode()).digest()


def find(token: str) -> Invitation | None:
    """An invitation of any organization: the token says whose it is, only afterwards."""
    if len(token) > _LONGEST_TOKEN:
        return None
    found: Invitation | None = (
        Invitation.all_organizations.filter(digest=digest_of(token)).select_related("organization").first()
    )
    return found


def state_of(invitation: Invitation, now: datetime) -> State:
    if invitation.accepted_at is not None:
        return State.ACCEPTED
    if invitation.revoked_at is not None:
        return State.REVOKED
    return State.OPEN if invitation.expires_at > now else State.EXPIRED
