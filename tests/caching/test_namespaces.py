"""Names of namespaces are checked at the edge."""

from uuid import uuid4

import pytest

from acron_site.lib.errors import InvalidRequestError
from caching import namespaces


@pytest.mark.parametrize("name", ["default", "a", "Ärzte 2026", "x" * 128])
def test_usable_names(name):
    assert namespaces.named(uuid4(), name).name == name


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "\x00", "\ud800"])
def test_unusable_names_are_refused_with_the_rule(name):
    with pytest.raises(InvalidRequestError, match="1 to 128 printable"):
        namespaces.named(uuid4(), name)
