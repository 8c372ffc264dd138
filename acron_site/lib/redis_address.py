"""Where a Redis is and how to log in, read from its URL."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from acron_site.lib.config import SettingsError

_DEFAULT_PORT = 6379
_SCHEMES = ("redis", "rediss", "unix")
_FORMS = "write redis://user:password@host:6379/0, rediss://... for TLS, or unix:///path/to/redis.sock?db=0"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A host and port, or the path of a unix socket; what to say after connecting."""

    host: str = ""
    port: int = _DEFAULT_PORT
    path: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    is_tls: bool = False
    verifies_certificate: bool = True
    ca_file: str = ""

    @property
    def greeting(self) -> tuple[tuple[bytes, ...], ...]:
        """The commands a new connection starts with."""
        commands: list[tuple[bytes, ...]] = []
        if self.password:
            user = (self.username.encode(),) if self.username else ()
            commands.append((b"AUTH", *user, self.password.encode()))
        if self.database:
            commands.append((b"SELECT", b"%d" % self.database))
        return tuple(commands)

    def tls_context(self) -> ssl.SSLContext | None:
        if not self.is_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if not self.verifies_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse(url: str) -> RedisAddress:
    """The address in `url`, as redis-py and the providers of Redis write it. Raises SettingsError."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or _DEFAULT_PORT
    except ValueError as error:
        raise SettingsError(f"REDIS_URL cannot be read ({error}): {_FORMS}") from error
    if parts.scheme not in _SCHEMES:
        raise SettingsError(f"REDIS_URL cannot start with {parts.scheme!r}: {_FORMS}")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    is_unix = parts.scheme == "unix"
    if is_unix and not parts.path:
        raise SettingsError(f"REDIS_URL names no socket: {_FORMS}")
    return RedisAddress(
        host="" if is_unix else parts.hostname or "localhost",
        port=port,
        path=unquote(parts.path) if is_unix else "",
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=_database(options.get("db") or ("" if is_unix else parts.path.strip("/"))),
        is_tls=parts.scheme == "rediss",
        verifies_certificate=options.get("ssl_cert_reqs", "required").lower() not in ("none", "cert_none"),
        ca_file=options.get("ssl_ca_certs", ""),
    )


def _database(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit():
        raise SettingsError(f"REDIS_URL: the database must be a number, not {text!r}")
    return int(text)
