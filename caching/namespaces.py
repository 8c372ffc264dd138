"""Names of namespaces: what a caller may call a compartment of the organization's cache."""

from functools import lru_cache
from uuid import UUID

from acron_site.lib.errors import InvalidRequestError
from caching.protocols import Namespace

MAX_NAME_CHARACTERS = 128


@lru_cache(maxsize=4096)
def named(organization_id: UUID, name: str) -> Namespace:
    """The organization's namespace called `name`. Raises InvalidRequestError when it is no usable name."""
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidRequestError(
            f"a cache namespace needs 1 to {MAX_NAME_CHARACTERS} printable characters", param="namespace"
        )
    return Namespace(organization_id, name)


def sides(name: str) -> tuple[str, str]:
    """A kept entry's namespace as a caller calls it, and on whose side of a wall in it the entry lies, "" for all."""
    # walls are named behind a character that no caller's name may have
    place = next((at for at, character in enumerate(name) if not character.isprintable()), len(name))
    return name[:place], name[place + 1 :]
