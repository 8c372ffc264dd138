"""The colours of static/css/tokens.css can be read, in light and in dark (WCAG 2.2: 1.4.3 and 1.4.11)."""

import re

import pytest
from django.conf import settings

TOKENS = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
BACKGROUNDS = ("canvas", "surface", "raised", "hover", "code")
TEXT, SHAPE = 4.5, 3.0

PAIRS = [
    *((words, ground, TEXT) for words in ("text", "muted", "accent") for ground in BACKGROUNDS),
    ("on-brand", "brand", TEXT),
    ("on-brand", "brand-hover", TEXT),
    ("accent", "accent-soft", TEXT),
    *((tone, f"{tone}-soft", TEXT) for tone in ("good", "warn", "bad")),
    *(("text", f"{tone}-soft", TEXT) for tone in ("good", "warn", "bad")),
    *((tone, ground, TEXT) for tone in ("good", "warn", "bad") for ground in ("canvas", "raised", "surface")),
    ("accent", "warn-soft", TEXT),  # a link in the banner
    ("muted", "good-soft", TEXT),  # the button that puts a notice away
    ("muted", "warn-soft", TEXT),
    ("muted", "bad-soft", TEXT),
    ("on-bad", "bad", TEXT),
    *(("line-strong", ground, SHAPE) for ground in ("canvas", "raised", "surface")),
    *(("focus", ground, SHAPE) for ground in BACKGROUNDS),
]


def test_the_sums_agree_with_the_standards_own_example():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#ffffff", "#777777") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_what_stands_on_a_ground_can_be_made_out(front, ground, least, scheme):
    assert contrast(color(front, scheme), color(ground, scheme)) >= least


def test_the_accent_is_the_brands_orange():
    assert color("brand", "light") == color("brand", "dark") == "#ff6b35"


def color(name: str, scheme: str) -> str:
    found = re.search(rf"--{name}: (?:light-dark\((#\w{{6}}), (#\w{{6}})\)|(#\w{{6}}));", TOKENS)
    assert found, name
    light, dark, both = found.groups()
    return both or (light if scheme == "light" else dark)


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    red, green, blue = (linear(int(color[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
