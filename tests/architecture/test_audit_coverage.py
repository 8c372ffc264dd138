"""Whatever a service writes is recorded: every public function that changes rows reaches the audit log."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pytest

from tests.architecture import source
from tests.architecture.source import Module

SERVICES = "accounts/services/"
WRITES = {
    "save", "delete", "create", "update", "bulk_create", "bulk_update", "get_or_create", "update_or_create",
    "asave", "adelete", "acreate", "aupdate",
}  # fmt: skip
RECORD = "audit.record"

# public functions that change rows without a record of their own, and why that is right
UNRECORDED = {
    "appearance.choose_theme": "a person's taste, of no organization",
    "email_addresses.ask_to_change": "a wish; `confirm` changes the address and records it",
    "email_addresses.forget_wish": "forgets a wish; what ends it is recorded",
    "email_addresses.keep": "mirrors the person's address for allauth",
    "erasure.erase_organization": "takes the log itself along",
    "organizations.create": "recorded with its owner by `found_for`",
    "outbox.put": "an email, whose cause is recorded",
    "outbox.send": "an email, whose cause is recorded",
    "outbox.send_waiting": "an email, whose cause is recorded",
}


@dataclass(frozen=True)
class Function:
    """What one function does itself: the functions it calls, by module and name, and whether it writes rows."""

    calls: frozenset[str]
    writes: bool
    is_public: bool


def functions(modules: Iterable[Module]) -> dict[str, Function]:
    """Every function of the services as `module.name`; those of a class count as functions of the module."""
    found = {}
    for module in modules:
        own = module.path.removeprefix(SERVICES).removesuffix(".py").replace("/", ".")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{own}.{node.name}"] = _function(own, node)
    return found


def _function(own: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    called = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    # functions that are handed on, for example to `partial` or `on_commit`, are called by somebody
    handed = [arg for each in ast.walk(node) if isinstance(each, ast.Call) for arg in each.args]
    return Function(
        calls=frozenset(_qualified(own, source.dotted(name)) for name in [*called, *handed] if source.dotted(name)),
        writes=any(_is_write(name) for name in called),
        is_public=not node.name.startswith("_"),
    )


def _qualified(own: str, name: str) -> str:
    name = name.removeprefix("self.").removeprefix("cls.")
    return name if "." in name else f"{own}.{name}"


def _is_write(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and called.attr in WRITES


def unrecorded(modules: Iterable[Module]) -> set[str]:
    """Public functions that write, themselves or through private ones of their module, and reach no record.

    Calling another public function does not make somebody a writer: that one answers for its own writes.
    """
    known = functions(modules)
    return {
        name
        for name, function in known.items()
        if function.is_public and _writes(name, known) and not _reaches_record(name, known)
    }


def _writes(name: str, known: Mapping[str, Function]) -> bool:
    return any(known[each].writes for each in [name, *_reachable(name, known, only_private=True)])


def _reaches_record(name: str, known: Mapping[str, Function]) -> bool:
    return any(RECORD in known[each].calls for each in [name, *_reachable(name, known, only_private=False)])


def _reachable(name: str, known: Mapping[str, Function], *, only_private: bool) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for called in known[waiting.pop()].calls & known.keys():
            is_meant = not (only_private and known[called].is_public)
            if is_meant and called not in seen:
                seen.add(called)
                waiting.append(called)
    return seen - {name}


def services() -> list[Module]:
    return [module for module in source.product() if module.path.startswith(SERVICES)]


def test_every_service_that_writes_is_recorded():
    assert unrecorded(services()) - set(UNRECORDED) == set()


def test_the_list_of_the_unrecorded_names_nothing_that_is_recorded_or_gone():
    assert set(UNRECORDED) - unrecorded(services()) == set()


@pytest.mark.parametrize(
    "mistake",
    [
        "def revoke(actor, key):\n    key.save()\n",
        "def revoke(actor, keys):\n    keys.update(revoked_at=1)\n",
        "def revoke(actor, key):\n    _end(key)\n\ndef _end(key):\n    key.delete()\n",
        "def revoke(key):\n    _end(key)\n\ndef _end(key):\n    _do(key)\n\ndef _do(key):\n    key.delete()\n",
        "async def revoke(actor, key):\n    await key.asave()\n",
        "class Keys:\n    def revoke(self, key):\n        key.save()\n",
        "def revoke(actor, key):\n    transaction.on_commit(_end)\n\ndef _end():\n    Key.objects.create()\n",
        "def revoke(actor, key):\n    record(actor, 'key.revoked', key)\n    key.save()\n",
    ],
)
def test_a_service_that_forgets_the_record_would_be_noticed(mistake):
    found = unrecorded([Module("accounts/services/api_keys.py", mistake)])

    assert found == {"api_keys.revoke"}


@pytest.mark.parametrize(
    "right",
    [
        "def revoke(actor, key):\n    key.save()\n    audit.record(actor, 'key.revoked', key)\n",
        "def revoke(actor, key):\n    _end(key)\n\ndef _end(key):\n    key.save()\n    audit.record(key)\n",
        "def revoke(actor, key):\n    key.save()\n    members.tell(key)\n",
        "def show(key):\n    return key.name\n",
        "def _end(key):\n    key.save()\n",
    ],
)
def test_a_service_that_records_passes(right):
    other = "def tell(key):\n    audit.record(key)\n"

    modules = [Module("accounts/services/api_keys.py", right), Module("accounts/services/members.py", other)]

    assert unrecorded(modules) == set()
