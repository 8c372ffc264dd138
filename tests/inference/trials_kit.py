"""A gateway whose models each say one thing, for stories of what is tried and proven."""

from dataclasses import replace
from uuid import UUID

import orjson

from analytics.events import EventKind
from caching.policies import Policies
from caching.policies import Policy as CachePolicy
from inference.routing.policies import PLAIN, Policy
from inference.routing.proofs import NOTHING_PROVEN, Pair, ProofState, Standing
from inference.steering import Steering
from inference.trials import TrialParts
from tests.inference.kit import ADA, Kit, ask
from tests.inference.script import COMPLETION, Scene

EXPLORES = replace(PLAIN, explores=True, explore_percent=100.0)
TASK = "geography"
PROVEN = Standing(state=ProofState.PROVEN, pairs=214, losses=1)


class Voices:
    """A provider whose models each say one thing, or are met with a scene of their own."""

    def __init__(self, **said: object) -> None:
        self.said = {f"mock-{name}": words for name, words in said.items()}
        self.asked: list[str] = []

    async def send(self, call):
        document = orjson.loads(call.body)
        self.asked.append(document["model"])
        words = self.said[document["model"]]
        if isinstance(words, Scene):
            return words
        choice = {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}
        return Scene(pieces=(orjson.dumps({**COMPLETION, "model": document["model"], "choices": [choice]}),))

    async def close(self) -> None:
        return None


class SamePolicy:
    """Everybody's routing policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def known(self, organization_id: UUID) -> Policy:
        return self.policy

    async def of(self, organization_id: UUID) -> Policy:
        return self.policy


class Reported:
    def __init__(self) -> None:
        self.pairs: list[Pair] = []

    def report(self, pair: Pair) -> None:
        self.pairs.append(pair)


class Story:
    def __init__(
        self, policy=EXPLORES, *, proofs=NOTHING_PROVEN, random=0.5, cache=None, embedder=None, **said
    ) -> None:
        self.voices = Voices(**{"small": "Paris.", "medium": "Paris.", "large": "Paris.", **said})
        self.reports = Reported()
        self.kit = Kit(
            mock=True,
            without="far-away",
            transport=self.voices,
            steering=Steering(SamePolicy(policy), lambda _: proofs, baseline="mock-large", secret=b"secret"),
            trials=TrialParts(self.reports, lambda: random, embedder),
            policies=Policies(cache or CachePolicy()),
        )

    async def get(self, principal=ADA, **fields):
        steered = {"task_type": TASK, **fields.pop("acron", {})}
        asked = ask(**{"model": "auto", "acron": steered, **fields})
        answer = await self.kit.answer(principal, asked)
        await self.kit.gateway.checks.idle()
        return answer

    @property
    def overhead(self):
        return [row for row in self.kit.ledger.rows.values() if row.kind is EventKind.OVERHEAD]
