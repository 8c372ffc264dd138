"""How emails leave: over SendGrid, over SMTP, or onto the console."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from acron_site.lib.config import SettingsError

_CONSOLE = "django.core.mail.backends.console.EmailBackend"
_SENDGRID = "accounts.mail_backends.sendgrid.SendGridBackend"
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
# schemes and their meaning as in django-environ
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 587, "smtp+ssl": 465}
_STARTTLS = ("smtp+tls", "smtps")
_ON_CONSOLE = "consolemail://"
_FORMS = "write smtp+tls://user:password@host:587 (STARTTLS), smtp+ssl://...:465, or smtp://host:25"


@dataclass(frozen=True, slots=True)
class Mailing:
    """A backend of Django's, and where its server is."""

    backend: str
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = field(default="", repr=False)
    is_starttls: bool = False
    is_tls: bool = False


def chosen(sendgrid_api_key: str, email_url: str) -> Mailing:
    """SendGrid before SMTP; the console when neither is set. Raises SettingsError."""
    if sendgrid_api_key:
        return Mailing(_SENDGRID)
    if not email_url or email_url == _ON_CONSOLE:
        return Mailing(_CONSOLE)
    scheme = email_url.partition(":")[0]
    if scheme not in _PORTS:
        raise SettingsError(f"EMAIL_URL cannot start with {scheme[:20]!r}: {_FORMS}")
    try:
        parts = urlsplit(email_url)
        port = parts.port or _PORTS[scheme]
    except ValueError:  # the original would repeat the password
        raise SettingsError(f"EMAIL_URL cannot be read: {_FORMS}") from None
    return Mailing(
        backend=_SMTP,
        host=parts.hostname or "localhost",
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_starttls=scheme in _STARTTLS,
        is_tls=scheme == "smtp+ssl",
    )


def public_url(configured: str, host: str, port: int) -> str:
    """Where people reach the site, for links in emails; computed from the server's own address if nobody said."""
    if configured:
        return configured.rstrip("/")
    # 0.0.0.0 and :: mean every address of this machine
    name = "localhost" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def do_leave(backend: str) -> bool:
    """Whether somebody else than the operator, who sees the console, gets the emails."""
    return backend != _CONSOLE


def is_awaited(verification: str, *, leaves: bool) -> bool:
    """Whether nobody logs in before they have proven their address; `verification` as the setting says it."""
    return leaves if verification == "auto" else verification == "required"
