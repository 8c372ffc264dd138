"""What one request's routing goes by: its organization's policy, what its requests have shown, the arm it is in."""

from dataclasses import dataclass

from inference.routing.arms import Arm
from inference.routing.policies import PLAIN, Policy
from inference.routing.predictor import Predictor
from inference.routing.proofs import NOTHING_PROVEN, Proofs


@dataclass(frozen=True, slots=True)
class Course:
    """`baseline`: the model that answers what is held out. `predictor`: None where its organization's own evidence has
    not earned one."""

    policy: Policy = PLAIN
    proofs: Proofs = NOTHING_PROVEN
    arm: Arm = Arm.NONE
    baseline: str = ""
    predictor: Predictor | None = None

    @property
    def is_held_out(self) -> bool:
        return self.arm is Arm.HOLDOUT


UNSTEERED = Course()
