"""No float comes near money: not as a number, not by a call, not by a division."""

import ast

import pytest

from tests.architecture import source
from tests.architecture.source import Module

# where amounts are read, reckoned, written and summed
MONEY = {
    "acron_site/lib/money.py",
    "inference/accounting.py",
    "inference/adjusting.py",
    "inference/benchmark/savings.py",
    "inference/budgets.py",
    "inference/corrections.py",
    "inference/entries.py",
    "inference/fallback_price.py",
    "inference/litellm_prices.py",
    "inference/price_book.py",
    "inference/price_changes.py",
    "inference/prices.py",
    "inference/pricing.py",
}
# these also hold measures (milliseconds, grades), which are floats; the functions named here see only money
MONEY_FUNCTIONS = {
    "analytics/rows.py": {"_money", "_cost"},
    "analytics/selectors.py": {"_sums", "_adjusted", "spent_by_keys", "unpriced_tokens", "adjusted_cost_usd"},
    "analytics/services.py": {"adjust", "_adjustment"},
    "inference/facts.py": {"money", "of_side", "of_overhead"},
    "inference/worst_case.py": {"cost", "fallback_cost"},
}


def inexact(tree: ast.AST) -> list[int]:
    """Lines with a float literal, the name `float`, a true division or a rounding."""
    return [node.lineno for node in ast.walk(tree) if _is_inexact(node)]  # type: ignore[attr-defined]


def _is_inexact(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (float, complex)
    if isinstance(node, ast.Name):
        return node.id in {"float", "round"}
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div) and not _is_path(node)


def _is_path(node: ast.BinOp | ast.AugAssign) -> bool:
    return isinstance(node, ast.BinOp) and "Path(" in ast.unparse(node)


def functions(module: Module, names: set[str]) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef) and node.name in names]


def test_money_is_never_a_float():
    modules = {module.path: module for module in source.product()}

    found = {path: lines for path in MONEY if (lines := inexact(modules[path].tree))}
    for path, names in MONEY_FUNCTIONS.items():
        there = functions(modules[path], names)
        assert {function.name for function in there} == names
        found |= {f"{path}: {function.name}": lines for function in there if (lines := inexact(function))}

    assert found == {}


@pytest.mark.parametrize(
    "mistake",
    [
        "cost = tokens * 0.000002",
        "cost = float(text)",
        "cost = tokens / 1_000_000",
        "cost /= 2",
        "cost = round(cost, 2)",
        "cost = list(map(float, texts))",
    ],
)
def test_a_float_would_be_noticed(mistake):
    assert inexact(Module("inference/pricing.py", f"x = 1\n{mistake}\n").tree) == [2]


def test_whole_numbers_and_decimals_are_no_floats():
    right = "cost = Decimal('0.1') * tokens // 1\nrate = price.scaleb(-6)\npath = Path(base) / name\n"

    assert inexact(Module("inference/pricing.py", right).tree) == []
