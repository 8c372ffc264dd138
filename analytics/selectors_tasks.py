"""Which kinds of tasks an organization's feedback says were mistaken for which."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from analytics.models import Feedback, InferenceEvent

# the newest opinions; older ones are forgotten
_MOST = 500


def mistaken_tasks(organization_id: UUID) -> Mapping[tuple[str, str], int]:
    """How often one task (on record) was another (in the feedback), less how often it was the other way round."""
    opinions = Feedback.objects.for_organization(organization_id).exclude(task_type="").order_by("-created_at")
    meant = dict(opinions.values_list("request_id", "task_type")[:_MOST])
    events = InferenceEvent.objects.for_organization(organization_id).filter(request_id__in=meant)
    said = dict(events.exclude(task_type="").values_list("request_id", "task_type"))
    counts = Counter((task, meant[request]) for request, task in said.items() if task != meant[request])
    return {(task, other): net for task, other in counts if (net := counts[task, other] - counts[other, task]) > 0}
