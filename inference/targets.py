"""Where the calls of one request can go, and which place comes next after a failure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inference.catalog import Model
from inference.providers.base import Provider
from inference.resilience.retries import Failure

# failures after which the same place may be asked once more. After a time-out there is no time left to wait there again
_WORTH_REPEATING = frozenset({Failure.TRANSIENT, Failure.BUSY})


@dataclass(frozen=True, slots=True)
class Target:
    """One deployment of a model. `model` has its address and its name there; `id` tells it from all others.

    `is_private`: how calls fare there is not to be told to others.
    """

    id: str
    model: Model
    provider: Provider
    weight: int = 1
    is_private: bool = False


class Trail:
    """The targets of one request, best first: a group for each model, in the order in which models are tried.

    `allows` says whether a target takes calls now; `groups` are looked at only when they are needed.
    """

    def __init__(self, groups: Iterable[Sequence[Target]], allows: Callable[[Target], bool]) -> None:
        self._groups, self._allows = iter(groups), allows
        self._group: Sequence[Target] = ()
        self._tried: dict[str, int] = {}
        self._current: Target | None = None

    def first(self) -> Target | None:
        """None when no target takes calls."""
        return self._of_next_model()

    def after(self, failure: Failure) -> Target | None:
        """The next target: another deployment, the same once more, then another model; None when there is none."""
        current = self._current
        if current is None or not failure.may_go_elsewhere:
            return None
        may_repeat = failure in _WORTH_REPEATING and self._allows(current)
        if (fresh := self._untried()) is not None:
            return self._take(fresh)
        if may_repeat and self._tried[current.id] == 1:
            return self._take(current)
        return self._of_next_model() or (self._take(current) if may_repeat else None)

    def skip_model(self) -> Target | None:
        """For a request that the current model cannot be asked: the next model's target."""
        return self._of_next_model()

    def is_repeating(self, target: Target) -> bool:
        """Whether the target is asked not for the first time."""
        return self._tried.get(target.id, 0) > 1

    def _of_next_model(self) -> Target | None:
        for group in self._groups:
            self._group = group
            if (target := self._untried()) is not None:
                return self._take(target)
        return None

    def _untried(self) -> Target | None:
        return next((target for target in self._group if target.id not in self._tried and self._allows(target)), None)

    def _take(self, target: Target) -> Target:
        self._current = target
        self._tried[target.id] = self._tried.get(target.id, 0) + 1
        return target
