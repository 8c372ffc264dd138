"""T3: a step of a workflow, known by all that shapes what it gives."""

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from acron_site.lib.errors import InvalidRequestError
from caching.places import parted
from caching.protocols import Namespace

MAX_TAGS = 32  # of a step's own, and of one invalidation
MAX_TAG_CHARACTERS = 128
# with those of the steps before it: what would carry more is computed each time
MAX_CARRIED_TAGS = 256

EPOCH_BYTES = 16
GENERATION_BYTES = 8
NEVER = bytes(GENERATION_BYTES)  # the generation of a tag that was not invalidated in its epoch

# part of every key: raise it when the meaning of a kept step changes
_VERSION = b"1"
_DIGEST_BYTES = 16
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that shapes what a step gives."""

    inputs: bytes  # canonical: its texts, with the outputs of the steps before it in place
    model_class: str  # the model's name, or the routing policy where one is yet to be chosen
    settings: bytes  # canonical: temperature, most tokens, format...
    tool_versions: tuple[tuple[str, str], ...] = ()  # name and version; the order says nothing
    code_version: str = ""  # of whatever turns the answer into the step's output


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a step is computed under: the generations of all tags it depends on, by their digests.

    A tag's generation changes when it is invalidated. Generations mean something in their epoch alone: another one
    begins when they were lost. An empty epoch is an unknown one, and nothing computed under it is kept.
    """

    epoch: bytes
    generations: Mapping[bytes, bytes]

    def is_valid(self, now: "Snapshot") -> bool:
        """Whether none of it was invalidated until `now`, as far as `now` knows the tags: what it does not know has
        changed."""
        if not self.epoch or self.epoch != now.epoch:
            return False
        return all(now.generations.get(tag) == generation for tag, generation in self.generations.items())


UNKNOWN = Snapshot(b"", {})


class Generations(Protocol):
    """Where the generations of an organization's tags are counted, under its `shelf`, for all workers."""

    async def read(self, shelf: bytes, tags: Sequence[bytes], *, begins: bool) -> Snapshot:
        """As they are now; the unknown snapshot while they are out of reach. `begins` an epoch where there is none."""
        ...

    async def renew(self, shelf: bytes, tags: Sequence[bytes]) -> bool:
        """Gives each tag another generation. False: it cannot be known whether that was done."""
        ...


def step_key(namespace: Namespace, recipe: Recipe, *, secret: bytes) -> bytes:
    """16 bytes that two steps share only if they are the same, whatever workflows they stand in.

    Keyed with `secret`, so that a reader of the store cannot try out texts.
    """
    tools = [part.encode("utf-8", "surrogatepass") for pair in sorted(recipe.tool_versions) for part in pair]
    texts = (recipe.model_class, recipe.code_version)
    parts = [_VERSION, *_wall(namespace), recipe.inputs, recipe.settings]
    parts += [text.encode("utf-8", "surrogatepass") for text in texts]
    return _digest([*parts, *tools], secret=secret, kind=b"step")


def tag_digest(namespace: Namespace, tag: str, *, secret: bytes) -> bytes:
    """What stands for a tag in the store. The same tag in another namespace is another one; on all sides of its
    policy's wall it is the same."""
    known = Namespace(namespace.organization_id, parted(namespace.name)[0])
    return _digest([*_wall(known), tag.encode("utf-8", "surrogatepass")], secret=secret, kind=b"tag")


def namespace_digest(namespace: Namespace, *, secret: bytes) -> bytes:
    """A tag that all steps of a namespace carry, so that they can be purged: nobody can name it so."""
    return tag_digest(namespace, "", secret=secret)


def tags_from(names: Iterable[str]) -> frozenset[str]:
    """The tags of these names. Raises InvalidRequestError where there are too many, or one is no usable tag."""
    tags = frozenset(names)
    if len(tags) > MAX_TAGS:
        raise InvalidRequestError(f"at most {MAX_TAGS} tags are taken at once, these are {len(tags)}", param="tags")
    for tag in tags:
        if not 1 <= len(tag) <= MAX_TAG_CHARACTERS or not tag.isprintable():
            raise InvalidRequestError(f"a tag needs 1 to {MAX_TAG_CHARACTERS} printable characters", param="tags")
    return tags


def carried(own: Iterable[bytes], after: Iterable[Snapshot]) -> frozenset[bytes]:
    """A step's own tags and those of the steps before it, which carry in turn those of the steps before them."""
    return frozenset(own).union(*(snapshot.generations for snapshot in after))


def _wall(namespace: Namespace) -> tuple[bytes, bytes]:
    return namespace.organization_id.bytes, namespace.name.encode("utf-8", "surrogatepass")


def _digest(parts: Iterable[bytes], *, secret: bytes, kind: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES, key=secret, person=kind)
    for part in parts:
        # with its length before it, no part can pass for the end of another
        digest.update(_LENGTH.pack(len(part)))
        digest.update(part)
    return digest.digest()
