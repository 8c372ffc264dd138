"""Telling every worker, once a transaction is through, that what it remembers of an organization has changed."""

from uuid import UUID

from django.db import transaction

from accounts import wiring
from accounts.revocations import of_organization


def organization_changed(organization_id: UUID) -> None:
    """Has them read again what the organization's keys carry (provider keys, whether content is kept), and the keys
    themselves."""

    def tell() -> None:
        news = of_organization(organization_id)
        wiring.key_directory().invalidate(news)
        channel = wiring.revocations()
        if channel is not None:
            channel.publish(news)

    transaction.on_commit(tell)
