"""Email addresses of people: which one is theirs, whether that is proven, and changing it.

`User.email` is the truth. One primary row of allauth's EmailAddress mirrors it and says whether it is proven; a
second, unproven row is the address that somebody wants to change to.
"""

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from accounts.actor import Origin
from accounts.models import User
from accounts.services import own_account
from acron_site.lib.errors import ConflictError


def keep(user: User, *, is_verified: bool = False) -> EmailAddress:
    """The row that mirrors the person's address, which is made where it is missing."""
    own = EmailAddress.objects.filter(user=user)
    address = own.filter(email=user.email).first()
    if address is None:
        own.filter(primary=True).update(primary=False)
        return EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=is_verified)
    if not address.primary:
        own.filter(primary=True).update(primary=False)
        address.primary = True
        address.save(update_fields=["primary"])
    return address


def is_verified(user: User) -> bool:
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())


def prove(user: User) -> bool:
    """Marks the person's address as proven. False: it was already, or another account proved it before."""
    address = keep(user)
    return not address.verified and bool(address.set_verified())


def pending(user: User) -> EmailAddress | None:
    """The address that somebody wants to change to and has not proven yet."""
    return EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).order_by("-pk").first()


@transaction.atomic
def ask_to_change(user: User, email: str) -> EmailAddress:
    """Notes the new address; `confirm` makes it the person's. An earlier wish is forgotten."""
    forget_wish(user)
    return EmailAddress.objects.create(user=user, email=email)


def forget_wish(user: User) -> None:
    """The link that was sent to the address that somebody wanted to change to ends."""
    EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).delete()


@transaction.atomic
def confirm(address: EmailAddress, *, origin: Origin) -> str | None:
    """Makes a proven address the person's own. Returns the former one if it is another.

    Raises ConflictError when somebody else has an account with it.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=address.user_id)
    # asked again, now that nobody else changes it: a new password or another wish may have ended this one
    if not EmailAddress.objects.filter(pk=address.pk).exists():
        raise ConflictError("this link has ended; ask for another one under /email")
    former = user.email if user.email != address.email else None
    # before the address changes: that locks the person for everybody who makes something of theirs, and whoever holds
    # the end of the audit log may be about to
    own_account.record(user, "user.email_changed" if former else "user.email_verified", origin)
    if former:
        _set(user, address.email)
    EmailAddress.objects.filter(user=user).exclude(pk=address.pk).delete()
    address.verified = address.primary = True
    address.save(update_fields=["verified", "primary"])
    return former


def _set(user: User, email: str) -> None:
    user.email = email
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError:
        raise ConflictError("this email address belongs to another account; choose another one") from None
