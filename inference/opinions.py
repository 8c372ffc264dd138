"""What people say of answers counts for or against trusting the models that gave them."""

from uuid import UUID

from analytics import selectors
from analytics.feedback import Kept
from inference import services_evidence, services_proofs

# of 0 to 5; what lies between says neither
_BAD, _GOOD = 2.0, 3.5


def heard(organization_id: UUID, said: Kept) -> None:
    """A listener of `analytics.feedback`."""
    answered = None if said.score is None else selectors.answered(organization_id, said.request_id)
    if said.score is None or answered is None:
        return
    services_evidence.hear_feedback(organization_id, said.request_id, model=answered.model, score=said.score)
    if not _BAD <= said.score < _GOOD:
        services_proofs.hear_feedback(
            organization_id,
            said.request_id,
            model=answered.model,
            task_type=answered.task_type,
            lost=said.score < _BAD,
        )
