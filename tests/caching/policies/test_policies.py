"""What holds in a namespace: its own wishes over those for all, over the operator's settings."""

import pytest

from acron_site.lib.config import Cache
from caching.policies import ALL_OTHERS, UNKNOWN, Policy, Semantic, Wall, Wishes, defaults_of, effective, policies


def test_without_wishes_the_operators_settings_hold_everywhere():
    defaults = defaults_of(Cache(ttl_seconds=60, wall="key", semantic="off", keep_tool_calls=True))

    found = policies(defaults, {})

    assert found.of("drafts") is found.of("default")
    assert found.of("drafts") == Policy(
        ttl_seconds=60, wall=Wall.KEY, semantic=Semantic.OFF, keep_tool_calls=True, max_entry_bytes=1_048_576
    )


def test_a_namespaces_own_wishes_go_before_those_for_all():
    wishes = {ALL_OTHERS: Wishes(ttl_seconds=60, keep_sampled=True), "drafts": Wishes(ttl_seconds=5, wall=Wall.USER)}

    found = policies(Policy(), wishes)

    assert found.of("drafts") == Policy(ttl_seconds=5, keep_sampled=True, wall=Wall.USER)
    assert found.of("anything else") == Policy(ttl_seconds=60, keep_sampled=True)


@pytest.mark.parametrize(
    ("operators", "wished", "held"),
    [
        (Policy(is_enabled=False), Wishes(is_enabled=True), Policy(is_enabled=False)),
        (Policy(), Wishes(is_enabled=False), Policy(is_enabled=False)),
        (Policy(max_entry_bytes=10), Wishes(max_entry_bytes=11), Policy(max_entry_bytes=10)),
        (Policy(max_entry_bytes=10), Wishes(max_entry_bytes=9), Policy(max_entry_bytes=9)),
        (Policy(max_bytes=10), Wishes(max_bytes=11), Policy(max_bytes=10)),
        (Policy(max_bytes=10), Wishes(max_bytes=0), Policy(max_bytes=10)),
        (Policy(), Wishes(max_bytes=9), Policy(max_bytes=9)),
        (Policy(wall=Wall.USER), Wishes(wall=Wall.ORGANIZATION), Policy()),
    ],
)
def test_an_organization_may_not_go_beyond_what_the_operator_allows(operators, wished, held):
    assert effective(operators, wished) == held


def test_what_is_not_known_keeps_nothing():
    assert not UNKNOWN.of("default").is_enabled
    assert not UNKNOWN.is_known
