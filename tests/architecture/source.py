"""The product's source, read as text and as a syntax tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("acron_site", "accounts", "caching", "inference", "analytics")


@dataclass(frozen=True)
class Module:
    """A source file by its path from the root, so that mistakes can be made up for a test."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def parts(self) -> set[str]:
        """The names of its folders and its own."""
        return set(Path(self.path).with_suffix("").parts)


def product() -> Iterator[Module]:
    yield from _modules(*APPS)
    yield Module("manage.py", (ROOT / "manage.py").read_text(encoding="utf-8"))


def tests() -> Iterator[Module]:
    yield from _modules("tests")


def dotted(node: ast.AST) -> str:
    """`os.environ` for the expression that reads so; empty for what is no plain name."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""


def _modules(*folders: str) -> Iterator[Module]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield Module(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
