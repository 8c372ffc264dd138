"""A step's key says all that shapes what it gives, and nothing else."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acron_site.lib.errors import InvalidRequestError
from caching import steps
from caching.protocols import Namespace
from caching.steps import NEVER, UNKNOWN, Recipe, Snapshot

SECRET = b"secret"
ADA = Namespace(UUID(int=0xADA))
RECIPE = Recipe(b'["sum up"]', "gpt", b'{"temperature":0}', (("search", "1"), ("read", "2")), "3")
TAG = b"t" * 16


def key(recipe: Recipe = RECIPE, *, namespace: Namespace = ADA, secret: bytes = SECRET) -> bytes:
    return steps.step_key(namespace, recipe, secret=secret)


@pytest.mark.parametrize(
    "other",
    [
        key(replace(RECIPE, inputs=b'["sum up."]')),
        key(replace(RECIPE, model_class="claude")),
        key(replace(RECIPE, settings=b'{"temperature":1}')),
        key(replace(RECIPE, tool_versions=(("search", "2"), ("read", "2")))),
        key(replace(RECIPE, tool_versions=(("search", "1"),))),
        key(replace(RECIPE, code_version="4")),
        key(namespace=Namespace(ADA.organization_id, "staging")),
        key(namespace=Namespace(UUID(int=0xBAD))),
        key(secret=b"another"),
    ],
)
def test_whatever_shapes_a_step_makes_another_key(other):
    assert other != key()
    assert len(other) == 16


def test_the_order_in_which_tools_are_listed_says_nothing():
    assert key(replace(RECIPE, tool_versions=RECIPE.tool_versions[::-1])) == key()


texts = st.text(max_size=6) | st.sampled_from(["\ud800", "\x00", "default"])
tools = st.lists(st.tuples(texts, texts), max_size=2).map(lambda pairs: tuple(sorted(pairs)))
recipes = st.builds(Recipe, st.binary(max_size=6), texts, st.binary(max_size=6), tools, texts)


@given(one=recipes, other=recipes, name=texts, other_name=texts)
def test_no_part_passes_for_another(one, other, name, other_name):
    first = key(one, namespace=Namespace(ADA.organization_id, name))
    second = key(other, namespace=Namespace(ADA.organization_id, other_name))

    assert (first == second) == ((one, name) == (other, other_name))


def test_a_tag_of_another_namespace_is_another_tag():
    own = steps.tag_digest(ADA, "doc:42", secret=SECRET)

    assert own != steps.tag_digest(replace(ADA, name="staging"), "doc:42", secret=SECRET)
    assert own != steps.tag_digest(Namespace(UUID(int=0xBAD)), "doc:42", secret=SECRET)
    assert own != steps.tag_digest(ADA, "doc:43", secret=SECRET)


@pytest.mark.parametrize(
    "names", [[""], ["x" * 129], ["a\nb"], ["\x00"], ["\ud800"], ["\u202e"], [f"doc:{number}" for number in range(33)]]
)
def test_what_is_no_tag_is_refused(names):
    with pytest.raises(InvalidRequestError) as refused:
        steps.tags_from(names)

    assert refused.value.param == "tags"


def test_the_same_tag_twice_is_one():
    assert steps.tags_from(["doc:42"] * 100) == {"doc:42"}


@pytest.mark.parametrize(
    ("kept", "now", "is_valid"),
    [
        (Snapshot(b"e", {TAG: NEVER}), Snapshot(b"e", {TAG: NEVER}), True),
        (Snapshot(b"e", {}), Snapshot(b"e", {TAG: b"2"}), True),
        (Snapshot(b"e", {TAG: b"1"}), Snapshot(b"e", {TAG: b"2"}), False),
        (Snapshot(b"e", {TAG: NEVER}), Snapshot(b"f", {TAG: NEVER}), False),
        (Snapshot(b"e", {TAG: NEVER}), Snapshot(b"e", {}), False),
        (Snapshot(b"e", {}), UNKNOWN, False),
        (UNKNOWN, UNKNOWN, False),
    ],
)
def test_a_snapshot_is_valid_while_nothing_of_it_was_invalidated(kept, now, is_valid):
    assert kept.is_valid(now) is is_valid


def test_a_step_carries_what_those_before_it_carry():
    before = Snapshot(b"e", {b"a": NEVER, b"b": NEVER})

    assert steps.carried([b"c"], [before, Snapshot(b"e", {b"d": NEVER})]) == {b"a", b"b", b"c", b"d"}
