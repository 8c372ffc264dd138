"""What the settings of a cache policy, and their values, are called on pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from caching.policies import ALL_OTHERS
from caching.selectors_policies import PolicyPage, PolicySetting

TITLES = {
    "is_enabled": "Cache",
    "ttl_seconds": "Time to live in seconds",
    "max_entry_bytes": "Largest answer in bytes",
    "keep_sampled": "Answers to requests with a temperature",
    "keep_tool_calls": "Answers that call tools",
    "wall": "Who shares answers",
    "semantic": "Nearly the same questions",
    "semantic_tolerance": "Share of wrong hits that is put up with",
    "semantic_threshold": "Threshold that is set by hand",
}
_TRUTHS = {"is_enabled": ("on", "off"), "keep_sampled": ("kept", "not kept"), "keep_tool_calls": ("kept", "not kept")}


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting, ready to be read."""

    title: str
    description: str
    value: str
    default: str
    source: str


def lines(page: PolicyPage) -> Sequence[SettingLine]:
    return [line(setting) for setting in page.settings]


def line(setting: PolicySetting) -> SettingLine:
    return SettingLine(
        TITLES[setting.name],
        setting.description,
        shown(setting.name, setting.value),
        shown(setting.name, setting.default),
        setting.source,
    )


def shown(name: str, value: bool | float | str) -> str:
    if isinstance(value, bool):
        return truths(name)[0 if value else 1]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def truths(name: str) -> tuple[str, str]:
    """What yes and no are called there."""
    return _TRUTHS[name]


def heading(namespace: str) -> str:
    return "All namespaces" if namespace == ALL_OTHERS else namespace
