"""Where a call goes: the server of its URL, what is asked of it, and the head of the request."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535
# everything that has a meaning in a path or query, and the escapes that are there already
_MAY_STAY = "%/:?#[]@!$&'()*+,;=~-._"

# nothing of the caller's: who calls, from where and with what is no business of the provider
_OURS = "User-Agent: acron\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"


@dataclass(frozen=True, slots=True)
class Origin:
    """A server, as connections to it are kept."""

    host: str
    port: int
    is_secure: bool


@dataclass(frozen=True, slots=True)
class Address:
    origin: Origin
    target: str  # path and query, escaped
    host_header: str


@lru_cache(1024)  # endpoints are few: one or two per provider
def parse(url: str) -> Address:
    """Raises ValueError when nothing can be sent there."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("it needs http:// or https:// and the name of a host")
    if parts.username is not None:
        raise ValueError("a name and password in it are not sent; use the provider's key")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    port = parts.port or _PORTS[parts.scheme]  # `port` raises ValueError above 65535
    shown = f"[{host}]" if ":" in host else host
    target = quote(parts.path or "/", safe=_MAY_STAY) + (
        f"?{quote(parts.query, safe=_MAY_STAY)}" if parts.query else ""
    )
    return Address(
        Origin(host, port, parts.scheme == "https"),
        target,
        shown if port == _PORTS[parts.scheme] else f"{shown}:{port}",
    )


@lru_cache(512)  # the same few for each provider and key
def head(method: str, address: Address, headers: Iterable[tuple[str, str]]) -> bytes:
    """The request's first lines, all but the length of its body. Raises ValueError for what would be another header."""
    own = "".join([f"{name}: {value}\r\n" for name, value in headers])
    lines = f"{method} {address.target} HTTP/1.1\r\nHost: {address.host_header}\r\n{_OURS}{own}"
    expected = lines.count("\n"), lines.count("\r"), lines.count("\0")
    if expected != (5 + len(tuple(headers)), 5 + len(tuple(headers)), 0):
        raise ValueError("a header holds a line break")
    return lines.encode()
