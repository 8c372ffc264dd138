"""Whether the cache may be asked for an answer and may keep it, and if not, why: in words for the ledger."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from accounts.principal import Principal
from acron_site.lib.values import quick
from caching import namespaces
from caching.places import SIDE
from caching.policies import Policies, Policy, Wall
from caching.protocols import Namespace
from inference.domain import Ask, Completion, Format
from inference.facts import Visit
from inference.wire import responses_sketch
from inference.wire.anthropic_message import HOSTED_TOOL


class CacheReason(StrEnum):
    """Why a request was no look-up, or its answer is not kept. The first part are requests that were none."""

    POLICY_OFF = "policy-off"
    POLICY_UNKNOWN = "policy-unknown"  # the database is away, and nobody can say which walls there are
    NO_STORE = "no-store"  # the caller wants the cache to stay out of it
    NO_CACHE = "no-cache"  # the caller wants a fresh answer
    STATEFUL = "stateful"  # the answer depends on more than the request
    SAMPLED = "sampled"  # the caller asks for variety
    WITHOUT_USER = "walled-without-user"
    WITHOUT_KEY = "walled-without-key"
    STORE_DOWN = "store-down"
    HELD_OUT = "hold-out"  # the request is not optimised, so that savings are measured

    READ_ONLY = "read-only"  # the caller wants nothing kept
    ZERO_TTL = "zero-ttl"
    FALLBACK = "fallback"  # another model has answered than the one asked for
    ESTIMATED = "estimated"  # the provider has not said what was used
    EMPTY = "empty"
    TOOL_CALL = "tool-call"
    HOSTED_TOOL = "hosted-tool"  # what the provider's own tools find today is not what they find tomorrow
    CUT = "cut-by-length"
    FILTERED = "filtered"  # by the provider, or the model refused
    UNFINISHED = "unfinished"
    TOO_LARGE = "too-large"


_ALLOWED = ""
_OPEN = Wall.ORGANIZATION
# an end user's name is kept up to this length: two that are cut could be the same
_MOST_TOLD = 256
_TOOLS = frozenset({"tool_calls", "function_call"})
_FLAWS: Mapping[str, str] = MappingProxyType(
    {
        "length": CacheReason.CUT,
        "content_filter": CacheReason.FILTERED,
        "tool_calls": CacheReason.TOOL_CALL,
        "function_call": CacheReason.TOOL_CALL,
        HOSTED_TOOL: CacheReason.HOSTED_TOOL,
    }
)


@quick
@dataclass(frozen=True, slots=True)
class Gate:
    """What the cache may do for one request. `reason` is "" for a look-up, whatever may be kept of its answer."""

    namespace: Namespace
    policy: Policy
    reads: bool
    writes: bool
    reason: str


def gate(principal: Principal, ask: Ask, policies: Policies) -> Gate:
    """Raises InvalidRequestError when the namespace has no usable name."""
    controls, name = ask.controls, ask.controls.namespace
    namespace, policy = namespaces.named(principal.organization_id, name), policies.of(name)
    reason = why_not_asked(ask, policy, is_known=policies.is_known)
    if policy.wall is not _OPEN:
        closed = why_not_through(principal, ask, policy.wall)
        if closed:
            return Gate(namespace, policy, False, False, reason or closed)
        namespace = Namespace(principal.organization_id, walled(name, principal, ask, wall=policy.wall))
    if not reason:
        return Gate(namespace, policy, controls.read, controls.write, reason)
    return Gate(namespace, policy, False, controls.write and reason is CacheReason.NO_CACHE, reason)


def why_not_asked(ask: Ask, policy: Policy, *, is_known: bool) -> str:
    """Empty when a kept answer may stand for this one, as far as the wall lets it through."""
    if not policy.is_enabled:
        return CacheReason.POLICY_OFF if is_known else CacheReason.POLICY_UNKNOWN
    # a caller who asks for variety (temperature above 0) gets it
    if not policy.keep_sampled and ask.body.get("temperature"):
        return CacheReason.SAMPLED
    controls = ask.controls
    if controls.read:
        return _ALLOWED
    return CacheReason.NO_CACHE if controls.write else _why_bypassed(ask)


def why_not_through(principal: Principal, ask: Ask, wall: Wall) -> str:
    """Empty when it is known on whose side of the wall the caller stands."""
    if wall is Wall.USER and not 0 < len(ask.end_user) < _MOST_TOLD:
        return CacheReason.WITHOUT_USER
    if wall is Wall.KEY and principal.limits_id is None:
        return CacheReason.WITHOUT_KEY
    return _ALLOWED


def walled(name: str, principal: Principal, ask: Ask, *, wall: Wall) -> str:
    """The namespace's name on the caller's side of the wall. End users are not named in clear there."""
    whose = ask.end_user if wall is Wall.USER else str(principal.limits_id)
    digest = hashlib.blake2b(whose.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{name}{SIDE}{wall}:{digest}"


def why_not_kept(visit: Visit, model: str, completion: Completion) -> str:
    """Empty for an answer that may be kept, of a request that may be answered from the cache. `model` has answered.

    Only whole answers are: never cut by length, filtered, empty or estimated; with calls of tools where the policy
    says so.
    """
    controls, policy = visit.ask.controls, visit.policy
    if not visit.writes:
        return CacheReason.READ_ONLY
    if controls.ttl_seconds == 0:
        return CacheReason.ZERO_TTL
    # the next caller wants the model that was asked for
    if visit.named_model and visit.named_model != model:
        return CacheReason.FALLBACK
    return flaw(completion, keep_tool_calls=policy.keep_tool_calls) or (
        CacheReason.TOO_LARGE if len(completion.body) > policy.max_entry_bytes else _ALLOWED
    )


def flaw(completion: Completion, *, keep_tool_calls: bool) -> str:
    """What keeps an answer from standing for another."""
    if completion.usage.is_estimate:
        return CacheReason.ESTIMATED
    if completion.is_empty:
        return CacheReason.EMPTY
    if not completion.finish_reasons:
        return CacheReason.UNFINISHED
    for reason in completion.finish_reasons:
        if reason != "stop" and not (keep_tool_calls and reason in _TOOLS):
            return _FLAWS.get(reason, CacheReason.UNFINISHED)
    return _ALLOWED


def _why_bypassed(ask: Ask) -> str:
    is_stateful = ask.format is Format.RESPONSES and responses_sketch.is_stateful(ask.body)
    return CacheReason.STATEFUL if is_stateful else CacheReason.NO_STORE
