"""Makes a visit of a request: where its answer may lie, and whether the cache may be asked for it."""

from accounts.principal import Principal
from caching.policies import Policies, PolicySource
from inference import fingerprint, keeping
from inference import steering as steerings
from inference.domain import Ask
from inference.facts import Visit
from inference.keeping import CacheReason
from inference.routing.policies import Policy
from inference.routing.router import CORRECTIONS, Router
from inference.steering import NO_STEERING, Steering
from inference.task_book import KnownCorrections, NoCorrections


class Visits:
    def __init__(
        self,
        router: Router,
        policies: PolicySource,
        *,
        secret: bytes,
        corrections: KnownCorrections | None = None,
        steering: Steering = NO_STEERING,
    ) -> None:
        self._router, self._policies, self.secret = router, policies, secret
        self._corrections, self._steering = corrections or NoCorrections(), steering

    def known(self, principal: Principal, ask: Ask) -> Visit | None:
        """None while the organization's policies are not in memory. Raises as `of` does."""
        policies = self._policies.known(principal.organization_id)
        routing = self._steering.policies.known(principal.organization_id)
        return None if policies is None or routing is None else self._made(principal, ask, policies, routing)

    async def of(self, principal: Principal, ask: Ask) -> Visit:
        """Raises InvalidRequestError and UnknownModelError."""
        known = self.known(principal, ask)
        if known is not None:
            return known
        organization_id = principal.organization_id
        policies, routing = await self._policies.of(organization_id), await self._steering.policies.of(organization_id)
        return self._made(principal, ask, policies, routing)

    def _made(self, principal: Principal, ask: Ask, policies: Policies, routing: Policy) -> Visit:
        ask = steerings.steered(ask, routing)
        router = self._router.serving(principal)
        model = router.resolve(ask)
        if model is None and not ask.task_type:
            ask.noted[CORRECTIONS] = self._corrections.known(principal.organization_id)
        gate = keeping.gate(principal, ask, policies)
        course = self._steering.course(principal, ask, router, routing)
        target = model.name if model else fingerprint.policy_name(ask, router.allowed)
        # of models that are yet to be chosen: all or none of them are simulated
        is_mock = principal.is_test or (model.is_simulated if model else router.catalog.is_simulated)
        return Visit(
            principal=principal,
            ask=ask,
            namespace=gate.namespace,
            fingerprint=fingerprint.fingerprint(ask, target=target, is_mock=is_mock, secret=self.secret),
            target=target,
            is_mock=is_mock,
            reads=gate.reads and not course.is_held_out,
            writes=gate.writes and not course.is_held_out,
            named_model=model.name if model else "",
            policy=gate.policy,
            cache_reason=CacheReason.HELD_OUT if course.is_held_out else gate.reason,
            course=course,
        )
