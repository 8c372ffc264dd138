"""The links of emails that the ACCESS table calls, made for the owner of an organization."""

from collections.abc import Mapping
from typing import Any

from accounts.models import Membership, User
from accounts.roles import Role
from accounts.services import email_addresses


def a_verification_link(organization: Any) -> Mapping[str, Any]:
    from allauth.account.models import EmailConfirmationHMAC

    return {"key": EmailConfirmationHMAC(email_addresses.keep(_owner(organization))).key}


def a_reset_link(organization: Any) -> Mapping[str, Any]:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    owner = _owner(organization)
    return {"uidb36": user_pk_to_url_str(owner), "key": default_token_generator.make_token(owner)}


def _owner(organization: Any) -> User:
    membership = Membership.objects.for_organization(organization.pk).get(role=Role.OWNER)
    return User.objects.get(pk=membership.user_id)
