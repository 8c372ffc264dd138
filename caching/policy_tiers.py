"""What organizations have set for tier 2, for those who prove its gates."""

from dataclasses import dataclass

from caching import selectors_policies
from caching.gate_rules import TierPolicy, tier_policy_of
from caching.policies import Policy, policies
from caching.protocols import Namespace


@dataclass(frozen=True, slots=True)
class PolicyTiers:
    """See `gate_rules.TierPolicies`. Reads the database each time."""

    defaults: Policy
    check_share: float

    def of(self, namespace: Namespace) -> TierPolicy:
        own = policies(self.defaults, selectors_policies.wishes(namespace.organization_id))
        return tier_policy_of(own.of(namespace.name), self.check_share)
