"""The cache's figures in words for people: its tiers, and why it was not asked or keeps nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from analytics.cache_performance import CachePerformance

_TIERS = {1: "the same request", 2: "nearly the same question", 3: "a step of a workflow"}
_MEANINGS = {
    "policy-off": "the cache is switched off for the namespace",
    "policy-unknown": "the policy could not be read, so nobody knew which walls there are",
    "no-store": "the caller wanted the cache to stay out of it",
    "no-cache": "the caller wanted a fresh answer",
    "stateful": "the answer depends on more than the request",
    "sampled": "the caller asked for variety, with a temperature above 0",
    "walled-without-user": "each end user has a cache of their own, and the request named none",
    "walled-without-key": "each API key has a cache of its own, and the request came with none",
    "store-down": "the cache was away",
    "hold-out": "the conversation is not optimised, so that savings are measured",
    "read-only": "the caller wanted nothing kept",
    "zero-ttl": "the caller gave it no time to live",
    "fallback": "another model answered than the one that was asked for",
    "estimated": "the provider did not say what was used",
    "empty": "the answer was empty",
    "tool-call": "the answer calls a tool",
    "hosted-tool": "a tool of the provider was used, which may find something else tomorrow",
    "cut-by-length": "the answer was cut off by its length",
    "filtered": "the provider filtered it, or the model refused",
    "unfinished": "the answer did not come to its end",
    "too-large": "the answer is larger than the policy allows",
    "unknown": "the request is older than the record of reasons",
}


@dataclass(frozen=True, slots=True)
class Reason:
    words: str
    requests: int


@dataclass(frozen=True, slots=True)
class TierLine:
    number: int
    words: str
    hits: int
    hit_rate: float  # of all look-ups
    avoided_usd: Decimal


def tiers(performance: CachePerformance) -> Sequence[TierLine]:
    eligible = performance.eligible
    return [
        TierLine(number, _TIERS[number], tier.hits, tier.hits / eligible if eligible else 0.0, tier.avoided_usd)
        for number, tier in performance.tiers.items()
    ]


def reasons(counts: Mapping[str, int]) -> Sequence[Reason]:
    return [Reason(_MEANINGS.get(name, name), requests) for name, requests in counts.items()]
