"""The demonstration organization of a local installation, and the log-in that `scripts/run` prints."""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from accounts import selectors
from accounts.models import Organization, User
from accounts.services import organizations
from acron_site.lib.errors import ConflictError

EMAIL = "demo@acron.example"


@dataclass(frozen=True, slots=True)
class Demo:
    """`password` is None when the person has chosen another one."""

    email: str
    password: str | None = field(repr=False)
    organization: Organization


def ensure_demo() -> Demo:
    """Makes the demonstration's organization and log-in once; later calls find them again."""
    password = _kept_password(Path(settings.DATA_DIR) / "demo.json")
    user = User.objects.filter(email=EMAIL).first() or _found(password)
    membership = selectors.first_membership(user)
    if membership is None:
        raise ConflictError(f"{EMAIL} belongs to no organization; delete that account, then start again")
    is_current = user.check_password(password)
    return Demo(email=EMAIL, password=password if is_current else None, organization=membership.organization)


def _found(password: str) -> User:
    user = User(email=EMAIL, full_name="Demo")
    user.set_password(password)
    try:
        organizations.found_with_owner(user, "Demo", is_verified=True)
    except ConflictError:  # another process was quicker
        return User.objects.get(email=EMAIL)
    return user


def _kept_password(path: Path) -> str:
    """The password of the first start, in a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"email": EMAIL, "password": secrets.token_urlsafe(12)}, file)
    # the first of several processes wins, and no one ever reads half a file
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    return str(json.loads(path.read_text(encoding="utf-8"))["password"])
