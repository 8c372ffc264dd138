"""The rules of the house that a reader of the source can check."""

import ast
from collections.abc import Mapping
from typing import Any

import pytest

from acron_site.lib import config
from tests.architecture import source
from tests.architecture.source import Module

MOST_LINES = 400
MOST_LINES_OF_TESTS = 500

READS_ENVIRONMENT = {"acron_site/settings.py", "acron_site/settings_test.py", "acron_site/embedded.py", "manage.py"}
HANDS_ENVIRONMENT_ON = {"acron_site/asgi.py", "acron_site/supervisor.py"}  # to `embedded`, to children
CATCHES_EVERYTHING = {
    "analytics/ledger.py": "its flush must go on, whatever a row did",
    "caching/embedders/process.py": "one text may break the model; all others wait behind it",
    "inference/door.py": "the worker's loop must go on, whatever a request did",
}


def too_long(module: Module, limit: int) -> bool:
    return module.text.count("\n") > limit


def environment_reads(module: Module) -> list[int]:
    """Lines that touch the environment; naming the settings module for Django is no reading."""
    tree = module.tree
    naming = {
        id(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "setdefault"
        and ast.unparse(node.args[0]) == "'DJANGO_SETTINGS_MODULE'"
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and source.dotted(node) in ("os.environ", "os.getenv", "environ.Env")
        and id(node) not in naming
    ]


def broad_handlers(module: Module) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]


def lacks_first_sentence(module: Module) -> bool:
    """Whether a module does not say in one line, at its top, what it is for."""
    if not module.tree.body:
        return False
    first_line = (ast.get_docstring(module.tree) or "").split("\n")[0]
    return not first_line.endswith((".", "?", "!"))


def unstated(settings: Mapping[str, Any], text: str) -> list[str]:
    """Settings that have no line with a value in the text of config.yaml."""
    lines = text.splitlines()
    section, stated = "", set()
    for line in lines:
        name = line.split("#")[0].rstrip()
        if name.endswith(":") and not name.startswith(" "):
            section = name.removesuffix(":")
        elif ":" in name:
            stated.add(f"{section}.{name.split(':')[0].strip()}")
    return sorted(set(settings) - stated)


def test_no_file_grows_beyond_what_one_can_read():
    assert [module.path for module in source.product() if too_long(module, MOST_LINES)] == []
    assert [module.path for module in source.tests() if too_long(module, MOST_LINES_OF_TESTS)] == []


def test_a_long_file_would_be_noticed():
    assert too_long(Module("long.py", "x = 1\n" * 401), MOST_LINES)


def test_only_the_settings_read_the_environment():
    allowed = READS_ENVIRONMENT | HANDS_ENVIRONMENT_ON

    found = {module.path: lines for module in source.product() if (lines := environment_reads(module))}

    assert {path: lines for path, lines in found.items() if path not in allowed} == {}


@pytest.mark.parametrize(
    ("mistake", "lines"),
    [
        ("import os\nkey = os.environ['KEY']\n", [2]),
        ("import os\nkey = os.getenv('KEY')\n", [2]),
        ("import os\nos.environ.setdefault('KEY', 'x')\n", [2]),
        ("import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')\n", []),
    ],
)
def test_a_look_at_the_environment_would_be_noticed(mistake, lines):
    assert environment_reads(Module("accounts/keys.py", mistake)) == lines


def test_errors_are_caught_by_name():
    found = {module.path for module in source.product() if broad_handlers(module)}

    assert found <= set(CATCHES_EVERYTHING)


@pytest.mark.parametrize("handler", ["except Exception:", "except BaseException:", "except:"])
def test_a_broad_handler_would_be_noticed(handler):
    assert broad_handlers(Module("x.py", f"try:\n    f()\n{handler}\n    pass\n")) == [3]


def test_every_module_says_what_it_is_for():
    modules = [module for module in source.product() if "migrations" not in module.parts]

    assert [module.path for module in modules if lacks_first_sentence(module)] == []


@pytest.mark.parametrize("text", ["x = 1\n", '"""no sentence"""\nx = 1\n'])
def test_a_module_without_a_first_sentence_would_be_noticed(text):
    assert lacks_first_sentence(Module("x.py", text))


def test_every_setting_stands_in_the_shipped_file():
    text = (source.ROOT / "config" / "config.yaml").read_text(encoding="utf-8")

    assert unstated(config.describe(config.Config()), text) == []


def test_a_setting_that_is_not_in_the_file_would_be_noticed():
    text = "api:\n  host: x  # here\ncache:\n  # host: only a comment\n"

    assert unstated({"api.host": 1, "cache.host": 1}, text) == ["cache.host"]
