"""What a cache policy, its settings and their values are called on pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caching.policies import ALL_OTHERS, Semantic, Wall, Wishes
from caching.selectors_policies import PolicyPage, PolicySetting

# by name: what it is called, and what there is to say about it
_SETTINGS = {
    "is_enabled": ("Cache", "Whether answers are kept and given again at all."),
    "ttl_seconds": ("Time to live in seconds", "How long an answer is kept, unless the request says otherwise."),
    "max_entry_bytes": ("Largest answer in bytes", "Larger ones are not kept."),
    "max_bytes": (
        "Bytes of exact answers",
        "Beyond it the oldest go, within 10 minutes; pinned ones stay and do not count. 0: no limit of its own.",
    ),
    "refresh_ahead_percent": (
        "Renewed before the end, in percent",
        "A hit in the last share of an answer's life pays for a call in the background that renews it. 0: off.",
    ),
    "keep_sampled": ("Answers to requests with a temperature", "Whoever sets one above 0 asks for variety."),
    "keep_tool_calls": ("Answers that call tools", "Given again, they call the same tools with the same arguments."),
    "wall": (
        "Who shares answers",
        "Where each end user has their own, requests that name none are never answered from the cache.",
    ),
    "semantic": ("Nearly the same questions", "What becomes of answers to questions that are not quite the same."),
    "semantic_tolerance": (
        "Share of wrong hits that is put up with",
        "Where answers to nearly the same questions are given once that has proven right: 0.01 is one in a hundred.",
    ),
    "semantic_threshold": (
        "Threshold that is set by hand",
        "Where it is set by hand: how sure it must be that two questions mean the same. You answer for it.",
    ),
}
_TRUTHS = {"is_enabled": ("on", "off"), "keep_sampled": ("kept", "not kept"), "keep_tool_calls": ("kept", "not kept")}
WALLS = {
    Wall.ORGANIZATION: "the whole organization",
    Wall.USER: "each end user has their own",
    Wall.KEY: "each API key has its own",
}
MODES = {
    Semantic.OFF: "off: not looked at",
    Semantic.SHADOW: "shadow: compared, never given",
    Semantic.AUTO: "auto: given where that has proven right",
    Semantic.MANUAL: "manual: given from the threshold on that is set by hand",
}


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting, ready to be read."""

    title: str
    description: str
    value: str
    default: str
    source: str


@dataclass(frozen=True, slots=True)
class PolicyLines:
    """A policy, ready to be read. `own`: what is set for this very namespace."""

    namespace: str
    heading: str
    is_for_all: bool
    changed_at: datetime | None
    lines: Sequence[SettingLine]
    own: Sequence[SettingLine]


def lines(page: PolicyPage, wishes: Wishes) -> PolicyLines:
    """`wishes`: what is set for its namespace."""
    return PolicyLines(
        page.namespace,
        heading(page.namespace),
        page.namespace == ALL_OTHERS,
        page.changed_at,
        [line(setting) for setting in page.settings],
        [line(setting) for setting in page.settings if setting.name in wishes.stated],
    )


def line(setting: PolicySetting) -> SettingLine:
    title, description = _SETTINGS[setting.name]
    value, default = shown(setting.name, setting.value), shown(setting.name, setting.default)
    return SettingLine(title, description, value, default, setting.source)


def shown(name: str, value: bool | float | str) -> str:
    if isinstance(value, bool):
        return truths(name)[0 if value else 1]
    if isinstance(value, Wall):
        return WALLS[value]
    if isinstance(value, Semantic):
        return MODES[value]
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else value


def truths(name: str) -> tuple[str, str]:
    """What yes and no are called there."""
    return _TRUTHS[name]


def heading(namespace: str) -> str:
    return "All namespaces" if namespace == ALL_OTHERS else namespace
