"""What people say of a cheaper model's answers counts for or against trusting it."""

from uuid import UUID

from analytics import selectors
from analytics.feedback import Kept
from inference import services_proofs

# of 0 to 5; what lies between says neither
_BAD, _GOOD = 2.0, 3.5


def heard(organization_id: UUID, said: Kept) -> None:
    """A listener of `analytics.feedback`."""
    if said.score is None or _BAD <= said.score < _GOOD:
        return
    answered = selectors.answered(organization_id, said.request_id)
    if answered is not None:
        services_proofs.hear_feedback(
            organization_id,
            said.request_id,
            model=answered.model,
            task_type=answered.task_type,
            lost=said.score < _BAD,
        )
