"""What the documents name is there: paths, code, addresses, commands, settings, variables, and the form of keys."""

import os
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from drf_spectacular.generators import SchemaGenerator

from accounts import keys
from acron_site.lib import config
from tests.architecture import source
from tests.architecture.access import ACCESS
from tests.architecture.source import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOLDERS = (*source.APPS, "tests", "config", "docs", "scripts", "static", "templates", ".ci")
ENDINGS = ("py", "md", "yaml", "toml", "html", "txt", "in", "js", "css", "example")
SECTIONS = {name.partition(".")[0] for name in config.describe(config.Config())}
SETTINGS = {f"ASAHI_{name.replace('.', '_').upper()}" for name in config.describe(config.Config())}

PATH = re.compile(rf"[\w.<>-]+(?:/[\w.<>{{}},-]*)+|[\w<>-]*\.(?:{'|'.join(ENDINGS)})")
CODE = re.compile(rf"((?:{'|'.join([*source.APPS, 'tests'])})(?:\.\w+)+)(?:\(.*\))?")
ADDRESS = re.compile(r"(?:(GET|POST|PUT|PATCH|DELETE) )?(/[\w./-]*)")
LOCAL = re.compile(r"(?<!base_url=\")http://127\.0\.0\.1:8000(/[\w./-]*)?")
TABLE = re.compile(r"(?:accounts|analytics|django|mfa|usersessions)_[a-z]+")
VARIABLE = re.compile(r"(?<![.\w<])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w>])")
COMMAND = re.compile(r"manage\.py ([a-z_]+)([^\n`#|]*)")


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(text))


def blocks(text: str) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@cache
def places() -> frozenset[str]:
    """Every file and folder of the checkout that is not made by running it."""
    found = {path.name for path in ROOT.iterdir()} | {*FOLDERS}
    for folder in FOLDERS:
        for at, folders, files in os.walk(ROOT / folder):
            found |= {str((Path(at) / name).relative_to(ROOT)) for name in (*folders, *files)}
    return frozenset(found)


def is_there(name: str) -> bool:
    """As it stands, or within an app that the sentence names; `<name>` stands for any."""
    pattern = re.sub(r"<[^>]*>", "*", name.rstrip("/"))
    return any(fnmatch(place, pattern) or fnmatch(place, f"*/{pattern}") for place in places())


def missing_paths(text: str) -> list[str]:
    return [span for span in spans(text) if PATH.fullmatch(span) and not is_there(span)]


def missing_code(text: str) -> list[str]:
    """Dotted names that cannot be imported, and names of tests and tables that do not exist."""
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    tests = "\n".join(module.text for module in source.tests())
    missing = []
    for span in spans(text):
        dotted = CODE.fullmatch(span)
        is_lost_test = re.fullmatch(r"test_\w+", span) and f"def {span}(" not in tests
        if (
            (dotted and not can_be_imported(dotted[1]))
            or is_lost_test
            or (TABLE.fullmatch(span) and span not in tables)
        ):
            missing.append(span)
    return missing


def can_be_imported(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@cache
def addresses() -> dict[str, set[str]]:
    """Every address without arguments, with its methods: Django's, and the gateway's own."""
    found = {f"/{path}": set(methods) for path, methods in ACCESS.items()}
    for path, methods in SchemaGenerator().get_schema(request=None, public=True)["paths"].items():
        found.setdefault(path, set()).update(method.upper() for method in methods)
    return found


def missing_addresses(text: str) -> list[str]:
    named = [match for span in spans(text) if (match := ADDRESS.fullmatch(span))]
    called = [match[1] for match in LOCAL.finditer(text) if match[1]]
    return [match[0] for match in named if not is_served(match[2], match[1])] + [
        path for path in called if not is_served(path, None)
    ]


def is_served(path: str, method: str | None) -> bool:
    return path in addresses() and (method is None or method in addresses()[path])


def missing_commands(text: str) -> list[str]:
    """Commands, and options of theirs, that do not exist."""
    return [
        f"{name} {option}".strip()
        for name, options in commands_in(text)
        for option in ["", *options]
        if name not in get_commands() or option not in help_of(name)
    ]


def commands_in(text: str) -> Iterator[tuple[str, list[str]]]:
    for name, rest in COMMAND.findall(text):
        yield name, re.findall(r"--[a-z-]+", rest)
    for span in spans(text):
        name, _, rest = span.partition(" ")
        if name in get_commands() and name != "check":
            yield name, re.findall(r"--[a-z-]+", rest)


@cache
def help_of(name: str) -> str:
    app = get_commands()[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    return command.create_parser("manage.py", name).format_help()


def missing_settings(text: str) -> list[str]:
    """Settings as `section.key`, and as a variable with our prefix."""
    dotted = [span for span in spans(text) if re.fullmatch(rf"(?:{'|'.join(SECTIONS)})\.(?!py$)\w+", span)]
    prefixed = re.findall(r"\bASAHI_[A-Z_]*[A-Z]\b(?!_?<)", text)
    known = {*config.describe(config.Config()), *SETTINGS, *config.SHORT_NAMES, *config.SECRETS}
    return [name for name in [*dotted, *prefixed] if name not in known]


def missing_variables(text: str) -> list[str]:
    """Variables that neither `.env.example` has, nor a script reads, nor our snippets give the caller."""
    known = example() + "".join(path.read_text() for path in (ROOT / "scripts").iterdir())
    known += (ROOT / "accounts" / "snippets.py").read_text()
    named = {name for part in [*spans(text), *blocks(text)] for name in VARIABLE.findall(part)}
    return sorted(name for name in named - SETTINGS if not re.search(rf"\b{name}\b", known))


def example() -> str:
    return (ROOT / ".env.example").read_text(encoding="utf-8")


def dead_links(text: str, folder: Path = ROOT) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)#:\s]+)\)", text) if not (folder / link).exists()]


CHECKS: list[Callable[[str], list[str]]] = [
    missing_paths,
    missing_code,
    missing_addresses,
    missing_commands,
    missing_settings,
    missing_variables,
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_a_document_names_is_there(document, check):
    assert check(document.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    assert dead_links(document.read_text(encoding="utf-8"), document.parent) == []


@dataclass(frozen=True)
class Mistake:
    check: Callable[[str], list[str]]
    text: str
    found: str
    mended: str


@pytest.mark.parametrize(
    "mistake",
    [
        Mistake(missing_paths, "see `accounts/rightz.py`", "accounts/rightz.py", "see `accounts/rights.py`"),
        Mistake(missing_paths, "see `rightz.py`", "rightz.py", "see `rights.py`"),
        Mistake(
            missing_paths, "in `templates/mails/<name>.txt`", "templates/mails/<name>.txt", "`templates/emails/<x>.txt`"
        ),
        Mistake(missing_paths, "under `doc/`", "doc/", "under `docs/`"),
        Mistake(
            missing_code, "`accounts.audit.recall`", "accounts.audit.recall", "`accounts.audit.record(actor, ...)`"
        ),
        Mistake(missing_code, "by `test_it_is_good`", "test_it_is_good", "`test_a_rival_reads_nothing_of_it`"),
        Mistake(missing_code, "in `accounts_key`", "accounts_key", "in `accounts_apikey`"),
        Mistake(missing_addresses, "call `DELETE /infer`", "DELETE /infer", "call `POST /infer`"),
        Mistake(missing_addresses, "see `/overview`", "/overview", "see `/members`"),
        Mistake(
            missing_addresses, "curl http://127.0.0.1:8000/v1/chat", "/v1/chat", "curl http://127.0.0.1:8000/v1/models"
        ),
        Mistake(missing_commands, "run `manage.py start`", "start", "run `manage.py up`"),
        Mistake(missing_commands, "```\nmanage.py api --fast\n```\n", "api --fast", "```\nmanage.py api --mock\n```\n"),
        Mistake(missing_commands, "`verify_audit --tail`", "verify_audit --tail", "`verify_audit --head 1:00`"),
        Mistake(missing_settings, "set `cache.ttl`", "cache.ttl", "set `cache.ttl_seconds`"),
        Mistake(
            missing_settings, "ASAHI_CACHE_TTL=1", "ASAHI_CACHE_TTL", "ASAHI_CACHE_TTL_SECONDS=1, ASAHI_<SECTION>_<KEY>"
        ),
        Mistake(missing_variables, "`MAIL_URL`", "MAIL_URL", "`EMAIL_URL=smtp://`, `Right.CALL_MODELS`"),
        Mistake(
            dead_links,
            "[docs](docs/keys.md)",
            "docs/keys.md",
            "[docs](docs/encryption-keys.md), [x](https://example.com)",
        ),
    ],
    ids=lambda mistake: mistake.found,
)
def test_a_mistake_would_be_noticed(mistake):
    assert mistake.check(mistake.text) == [mistake.found]
    assert mistake.check(mistake.mended) == []


def variables_read(text: str) -> set[str]:
    """Variables of the environment that a module of the product asks for by name."""
    return set(re.findall(r"\b(?:env(?:\.\w+)?|ENVIRON\.get)\(\s*\"([A-Z_]+)\"", text))


def test_every_variable_that_is_read_stands_in_the_example():
    named = set().union(*(variables_read(module.text) for module in source.product()))
    named |= set(re.findall(r"_env: (\w+)", (ROOT / "config" / "models.yaml").read_text(encoding="utf-8")))

    assert {"EMAIL_URL", "FORWARDED_ALLOW_IPS", "OPENAI_API_KEY", "CO_API_URL"} <= named
    assert {name for name in named if name not in example()} == set()


def test_the_example_names_nothing_that_nobody_reads():
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example(), flags=re.MULTILINE))
    read = "\n".join(module.text for module in source.product())
    read += (ROOT / "config" / "models.yaml").read_text(encoding="utf-8")

    assert {name for name in named - SETTINGS if not re.search(rf"\b{name}\b", read)} == set()


def test_the_readme_tells_a_key_from_a_look_alike():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(block for block in blocks(text) if "def is_acron_key" in block)
    printed: dict[str, Callable[[str], bool]] = {}
    exec(block, printed)  # the function that the document prints, as it prints it

    made, _ = keys.make("live")
    other = made[:-1] + ("a" if made[-1] != "a" else "b")

    assert f"`{keys.PATTERN}`" in text
    assert printed["is_acron_key"](made)
    assert not printed["is_acron_key"](other)
