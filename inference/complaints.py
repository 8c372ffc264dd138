"""Bad feedback about an answer that was given to a near question reaches the gate that let it through."""

from uuid import UUID

from django.conf import settings

from analytics.feedback import Kept
from caching import services_complaints, wiring

# of 0 to 5; better than that is an opinion, not a complaint
_BAD = 2.0


def heard(organization_id: UUID, said: Kept) -> None:
    """A listener of `analytics.feedback`."""
    if said.score is not None and said.score < _BAD:
        policies = wiring.tier_policies(settings.ACRON.cache)
        services_complaints.complain_of_request(organization_id, said.request_id, policies=policies)
