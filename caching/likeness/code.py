"""Code, formulas, addresses and identifiers: what must be the same to the letter."""

import re

from caching.likeness.reading import Reading, once

_FENCED = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)|~~~[^\n]*\n(.*?)(?:~~~|\Z)", re.DOTALL)
_INLINE = re.compile(
    r"`([^`\n]{1,300})`|\[(?:math|code)\](.{1,2000}?)\[/(?:math|code)\]|\$\$(.{1,2000}?)\$\$", re.DOTALL
)
_TOKENS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.)[^\s<>\"']{1,2000}"  # addresses
    r"|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,63})+"  # mail
    r"|(?<![\w/])(?:~|\.{1,2})?/[\w.-]+(?:/[\w.-]*)+|[A-Za-z]:\\[^\s\"']{1,300}"  # paths
    r"|\b[A-Za-z]\w{0,80}_\w{1,80}\b|\b[a-z][a-z0-9]{1,60}[A-Z][a-z]\w{0,80}\b"  # snake_case, camelCase
    r"|(?<!\S)(?:--[A-Za-z][\w-]{1,60}|-[A-Za-z](?!\S))"  # options of a command
    r"|\b[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){0,8}\(\)"  # calls
    r"|\b\w{1,60}\.(?:py|js|ts|java|cpp|hpp|cs|go|rs|rb|php|html|css|json|ya?ml|xml|sql|sh|txt|csv|md|toml|exe|dll)\b"
    r"|\b[0-9a-f]{8}-[0-9a-f-]{8,40}\b|\b(?=[0-9a-f]{0,63}\d)[0-9a-f]{12,64}\b|#\d{2,12}\b"  # ids
)
# most questions hold none of the signs that a token of code has, and the search for one is dear
_HINT = re.compile(r"[/_@#\\:()-]|\.\w|[a-z]\d*[A-Z]|\d{6}|[0-9][a-f]|[a-f][0-9]|www")
_MARKED = frozenset("`~[$")
_LINE = re.compile(
    r"[{};]\s*$|==|!=|=>|->|&&|\|\||:=|\w\(.*\)\s*[:;{]"
    r"|^\s*(?:def|class|import|from \w+ import|SELECT|INSERT|UPDATE|DELETE)\b.*[\w)*]"
)
_OPERATION = re.compile(
    r"(?<=[\w)])\s?([+*/^=<>\u00d7\u00f7\u221a]{1,3}|!=|==|(?<=\d) ?-(?= ?\d)|(?<=\d\s)-(?=\s\d))\s?(?=[\w(])"
)
_BRANDS = frozenset(
    {
        "iPhone",
        "iPad",
        "iPhones",
        "iOS",
        "eBay",
        "iPod",
        "iMac",
        "macOS",
        "iTunes",
        "iCloud",
        "eBook",
        "eBooks",
        "WhatsApp",
    }
)


def differs(asked: Reading, kept: Reading) -> bool:
    return pieces(asked) != pieces(kept) or operations(asked) != operations(kept)


@once
def pieces(reading: Reading) -> frozenset[str]:
    text = reading.original
    if not _HINT.search(text) and _MARKED.isdisjoint(text) and "\n" not in text:
        return frozenset()
    found = {_first(groups).strip() for groups in (*_FENCED.findall(text), *_INLINE.findall(text))}
    found |= {token.rstrip(".,?!:;)") for token in _TOKENS.findall(text)} - _BRANDS
    found |= {line.strip() for line in text.split("\n") if "\n" in text and _LINE.search(line[:400])}
    return frozenset(found) - {""}


@once
def operations(reading: Reading) -> tuple[str, ...]:
    """The signs between operands, in their order."""
    return tuple(sign.strip() for sign in _OPERATION.findall(reading.text.replace("C++", "Cpp")) if sign.strip() != "/")


def _first(groups: tuple[str, ...]) -> str:
    return next((group for group in groups if group), "")
