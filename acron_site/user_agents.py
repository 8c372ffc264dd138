"""What a User-Agent header says, in words: "Firefox 130 on Windows"."""

import re

# the first that matches counts: nearly every browser also names those it wants to be taken for
_BROWSERS = [
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:HeadlessChrome|Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)\S* (?:Mobile/\S+ )?Safari/")),
]
_SYSTEMS = [
    ("iPhone", re.compile(r"iPhone")),
    ("iPad", re.compile(r"iPad")),
    ("Android", re.compile(r"Android")),
    ("Windows", re.compile(r"Windows NT")),
    ("macOS", re.compile(r"Mac OS X|Macintosh")),
    ("ChromeOS", re.compile(r"CrOS")),
    ("Linux", re.compile(r"Linux|X11")),
]


def described(user_agent: str) -> str:
    """Browser and system where both are known, else the header itself."""
    browser = next((f"{name} {found[1]}" for name, form in _BROWSERS if (found := form.search(user_agent))), "")
    system = next((name for name, form in _SYSTEMS if form.search(user_agent)), "")
    return f"{browser} on {system}" if browser and system else user_agent or "unknown"
