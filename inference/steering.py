"""Says what a request's routing goes by: from its organization's policy, what is proven, and a draw of the arm."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from accounts.principal import Principal
from inference.domain import Ask, Cascade, Route, RoutingMode
from inference.routing import arms, cascading, staying
from inference.routing.arms import Arm
from inference.routing.course import UNSTEERED, Course
from inference.routing.policies import PLAIN, CascadeUse, Policy
from inference.routing.proofs import NOTHING_PROVEN, TWO_THAT_AGREE, Proofs
from inference.routing.router import Router


class PolicySource(Protocol):
    """Where the gateway learns an organization's routing policy."""

    def known(self, organization_id: UUID) -> Policy | None:
        """From memory; None when it has to be read."""
        ...

    async def of(self, organization_id: UUID) -> Policy:
        """Raises nothing."""
        ...


class NoPolicies:
    """For where organizations have set nothing, and nothing is tried on them."""

    def known(self, organization_id: UUID) -> Policy:  # noqa: ARG002 - as the protocol has it
        return PLAIN

    async def of(self, organization_id: UUID) -> Policy:  # noqa: ARG002 - as the protocol has it
        return PLAIN


class Steering:
    """`proofs`: what an organization's requests have shown; None while nobody can say. `baseline`: the model's name
    that answers what is held out; "": nothing is."""

    def __init__(
        self,
        policies: PolicySource,
        proofs: Callable[[UUID], Proofs | None],
        *,
        baseline: str,
        secret: bytes,
    ) -> None:
        self.policies, self._proofs = policies, proofs
        self._baseline, self._secret = baseline, secret

    def course(self, principal: Principal, ask: Ask, router: Router, policy: Policy) -> Course:
        """Of the request as `steered` has it, and the router that serves its caller."""
        if ask.mode is not RoutingMode.AUTOPILOT:
            return UNSTEERED
        proofs = self._proofs(principal.organization_id) or NOTHING_PROVEN
        arm = self._arm(principal, ask, router, policy)
        return Course(policy, proofs, arm, self._baseline, proofs.predictor)

    def _arm(self, principal: Principal, ask: Ask, router: Router, policy: Policy) -> Arm:
        # test keys are answered by the mock: what they cost says nothing
        if not policy.holdout_percent or not self._baseline or principal.is_test or not arms.may_be_held_out(ask):
            return Arm.NONE
        # asked in both arms: what cannot be held out must not stand among those that could have been
        if router.held_out(ask, self._baseline) is None:
            return Arm.NONE
        return arms.drawn(principal.organization_id, ask, percent=policy.holdout_percent, secret=self._secret)


def steered(ask: Ask, policy: Policy) -> Ask:
    """The request under its organization's threshold, where it says none of its own."""
    threshold = policy.quality_threshold
    if threshold is None or ask.mode is not RoutingMode.AUTOPILOT:
        return ask
    if ask.quality_threshold is not None or ask.quality_preference:
        return ask
    return replace(ask, quality_threshold=threshold)


def cascade_of(ask: Ask, course: Course, route: Route) -> Cascade | None:
    """How cheap answers are verified before the route's model is asked; None: it is asked at once."""
    if course.is_held_out or ask.refuses_cascade:
        return None
    use = course.policy.cascades
    if ask.cascade is not None or use is CascadeUse.OFF or route.in_place_of or not cascading.may_agree(ask):
        return ask.cascade
    if staying.holds_thoughts(ask):
        return None
    standing = course.proofs.between(route.task_type, TWO_THAT_AGREE, route.model.name)
    return Cascade() if use is CascadeUse.ALWAYS or standing.is_proven else None


NO_STEERING = Steering(NoPolicies(), lambda _: None, baseline="", secret=b"none")
