"""No secret in a log line: what looks like one is masked before a handler writes it."""

import logging
import re
from collections.abc import Callable
from typing import Any

_MASK = "***"
_MASKED = rf"\1{_MASK}"
_WORD = r"[^\s\"'&,;<>)}\]\\]+"
_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-zA-Z])"
_DOORS = r"[a-z-]*reset[a-z-]*|verify-email|confirm-email|invitations?|join|accept"
# names of what carries a secret, in headers, JSON, forms, keyword arguments and addresses
_NAMES = (
    r"(?:[a-z0-9_]*(?:password|passwd|passphrase|secret|(?:api|secret|encryption)[_-]?key|token|digest|recovery[_-]?code)s?\d?"
    r"|x-api-key|sessionid|csrftoken|csrfmiddlewaretoken|pepper)"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # our own keys keep their public part, which finds the row
        (r"(ak_(?:live|test)_[0-9A-Za-z]{8}_)[0-9A-Za-z]+", _MASKED),
        # those of providers: OpenAI, Anthropic, SendGrid, Google, Amazon, GitHub's, Pinecone's
        (r"\b(sk-|SG\.|AIza|AKIA|gh[pousr]_|pcsk_|xox[a-z]-)[0-9A-Za-z._-]{8,}", _MASKED),
        (r"\b(Bearer|Basic)(\s+)[0-9A-Za-z._~+/=:-]+", rf"\1\2{_MASK}"),
        # scheme://user:password@host
        (r"(\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s/@\"']+(?=@)", _MASKED),
        # name=value, "name": "value", (b'name', b'value'), name: value
        (rf"(\b{_NAMES}\b[\"']?\s*(?:[=:,]|=>)\s*b?[\"'])(?:[^\"'\\]|\\.)*", _MASKED),
        (rf"(\b{_NAMES}\s*[=:]\s*)(?![\"'\s]|b[\"']){_WORD}", _MASKED),
        (
            r"(\b(?:authorization|cookie|set-cookie)[\"']?\s*(?:[=:,])\s*b?[\"']?)(?!(?:Bearer|Basic)\b)[^\"'\r\n]+",
            _MASKED,
        ),
        # links that open an account, or let somebody in: an id in such a place is none
        (
            rf"(/(?:{_DOORS})(?:/key)?/)(?!{_ID})[0-9A-Za-z:_.~-]{{16,}}",
            _MASKED,
        ),
        # PostgreSQL repeats the row that it refuses
        (r"(Failing row contains \().*?(?=\)\.?(?:\s|$))", _MASKED),
        # a private key in PEM, over its lines
        (r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)(?s:.*?)(?=-----END|\Z)", _MASKED),
    )
)
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def masked(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class SecretFilter(logging.Filter):
    """Masks message, traceback and what was handed along. Belongs on handlers: those of loggers see only their own."""

    def __init__(self, name: str = "", *, format_exception: Callable[[Any], str] | None = None) -> None:
        super().__init__(name)
        self._format_exception = format_exception or logging.Formatter().formatException

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(_message(record)), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = self._format_exception(record.exc_info)
        if record.exc_text:
            record.exc_text = masked(record.exc_text)
        if record.stack_info:
            record.stack_info = masked(record.stack_info)
        for name in vars(record).keys() - _OF_EVERY_RECORD:
            value = getattr(record, name)
            if isinstance(value, str):
                setattr(record, name, masked(value))
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # a mistake in a log line is no reason to fail, nor to show what it would not have shown
        return str(record.msg)
