"""How the semantic tier works for an organization: its gates, each under the policy of its namespace."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from caching import calibration, gate_rules, selectors_gates, selectors_policies
from caching.gate_rules import Gate, GateState, TierPolicy, tier_policy_of
from caching.policies import Policies, Policy, Semantic, policies
from caching.selectors_gates import GateRecord, GateReport

_STATES = {GateState.SERVING: "Serving", GateState.SHADOW: "Learning in the shadow", GateState.OFF: "Off"}


@dataclass(frozen=True, slots=True)
class WorkingGate:
    """A gate on record, and what its namespace's policy makes of it."""

    record: GateRecord
    policy: TierPolicy
    gate: Gate

    @property
    def state(self) -> GateState:
        return GateState.OFF if self.record.is_retired else self.gate.state

    @property
    def state_words(self) -> str:
        if self.record.is_retired:
            return "Retired"
        return "Compared only" if self.policy.mode is Semantic.SHADOW else _STATES[self.state]

    @property
    def is_learning(self) -> bool:
        """Whether it is on its way to serving."""
        return self.state is GateState.SHADOW and self.policy.mode is Semantic.AUTO

    @property
    def is_set_by_hand(self) -> bool:
        """Its threshold comes from a person; no check proves it."""
        return self.policy.mode is Semantic.MANUAL

    @property
    def complaints(self) -> int:
        """How many answers that it would still give people have called wrong."""
        threshold = self.threshold
        return 0 if threshold is None else sum(score >= threshold for score in self.record.complaint_scores)

    @property
    def threshold(self) -> float | None:
        return self.gate.threshold if self.state is GateState.SERVING else None

    @property
    def upper_bound(self) -> float | None:
        """Of the share of wrong hits; None where nothing was checked, or not from this threshold on."""
        proof = self.record.standing.proof
        return proof.upper_bound if proof.checked and not self.is_set_by_hand else None

    @property
    def checks_wanted(self) -> int:
        """How many checks without a mistake it takes at least."""
        return max(calibration.checks_needed(self.policy.tolerance), self.record.standing.proof.needed)

    @property
    def checks_passed(self) -> int:
        """How many of those there are."""
        return self.checks_wanted - self.record.standing.proof.needed


@dataclass(frozen=True, slots=True)
class SemanticTier:
    """`others`: the policy of the namespaces that have none of their own. `next`: where the gates go on."""

    others: Policy
    gates: Sequence[WorkingGate]
    next: UUID | None
    is_whole: bool  # whether these are all gates that there are

    @property
    def states(self) -> Sequence[tuple[str, int]]:
        """How many gates are in each state, where all of them are here."""
        if not self.is_whole:
            return ()
        words = [gate.state_words for gate in self.gates]
        return [(each, words.count(each)) for each in dict.fromkeys(words)]


def tier(
    organization_id: UUID, defaults: Policy, check_share: float, *, limit: int, after: UUID | None = None
) -> SemanticTier:
    """The oldest gates first; `after` is the id of the last one of the part before."""
    own = policies(defaults, selectors_policies.wishes(organization_id))
    records = selectors_gates.records(organization_id, limit=limit + 1, after=after)
    shown = [_working(record, own, check_share) for record in records[:limit]]
    has_more = len(records) > limit
    following = shown[-1].record.id if has_more else None
    return SemanticTier(own.others, shown, following, is_whole=after is None and not has_more)


def report(
    organization_id: UUID, gate_id: UUID, defaults: Policy, check_share: float
) -> tuple[WorkingGate, GateReport]:
    """Raises NotFoundError."""
    found = selectors_gates.report(organization_id, gate_id)
    own = policies(defaults, selectors_policies.wishes(organization_id))
    return _working(found.record, own, check_share), found


def _working(record: GateRecord, own: Policies, check_share: float) -> WorkingGate:
    policy = tier_policy_of(own.of(record.key.namespace.name), check_share)
    return WorkingGate(record, policy, gate_rules.gate(record.standing, policy))
