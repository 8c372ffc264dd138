"""Typed settings: `config/config.yaml`, overridden by `ASAHI_<SECTION>_<KEY>` from the environment."""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from acron_site.lib import outbound

PREFIX = "ASAHI_"

# the seed's short names, and what they stand for
SHORT_NAMES = {
    "ASAHI_AUTH_API_KEY_REQUIRED": "ASAHI_GOVERNANCE_AUTH_API_KEY_REQUIRED",
    "PORT": "ASAHI_API_PORT",
}

# variables with our prefix that are no settings: secrets, which never stand in a file
SECRETS = frozenset({"ASAHI_ENCRYPTION_KEY", "ASAHI_KEY_PEPPERS"})


class SettingsError(ValueError):
    """A setting that does not exist or does not fit; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Api:
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    public_url: str = ""
    max_body_bytes: int = 52_428_800
    max_in_flight: int = 2000
    max_in_flight_bytes: int = 536_870_912
    keep_alive_seconds: float = 15.0
    shutdown_grace_seconds: int = 40


@dataclass(frozen=True, slots=True)
class Cache:
    enabled: bool = True
    backend: str = "redis"
    ttl_seconds: int = 86_400
    max_entry_bytes: int = 1_048_576
    memory_max_bytes: int = 67_108_864
    keep_sampled: bool = False
    keep_tool_calls: bool = False
    wall: str = "organization"
    semantic: str = "auto"
    semantic_tolerance: float = 0.01
    semantic_threshold: float = 0.95
    semantic_check_percent: float = 5.0
    store_timeout_ms: int = 250
    namespace_max_entries: int = 100_000
    namespace_max_bytes: int = 0
    refresh_ahead_percent: int = 0
    semantic_timeout_ms: int = 50
    semantic_max_entries: int = 100_000
    semantic_memory_max_bytes: int = 67_108_864
    pinecone_timeout_ms: int = 250


@dataclass(frozen=True, slots=True)
class Routing:
    default_mode: str = "autopilot"
    default_quality_threshold: float = 3.5
    baseline_model: str = "gpt-6.1-sol"
    prior_margin: float = 0.0
    epsilon: float = 0.03
    explore_percent: float = 2.0
    holdout_percent: float = 2.0
    cascades: str = "proven"


@dataclass(frozen=True, slots=True)
class Embeddings:
    provider: str = "auto"
    model: str = ""
    dimensions: int = 0
    timeout_ms: int = 500
    max_waiting: int = 64
    remembered_bytes: int = 8_388_608
    background_cpu_percent: int = 10


@dataclass(frozen=True, slots=True)
class Governance:
    auth_api_key_required: bool = True
    anonymous_organization: str = ""
    key_cache_ttl_seconds: int = 60
    email_verification: str = "auto"
    sign_ups_per_hour: int = 20
    unpriced_input_usd_per_million: Decimal = Decimal(0)
    unpriced_output_usd_per_million: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tracking:
    flush_interval_ms: int = 200
    abandoned_after_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class Providers:
    models_file: str = "config/models.yaml"
    mock: bool = False
    connect_timeout_seconds: float = 5.0
    first_byte_timeout_seconds: float = 120.0
    idle_timeout_seconds: float = 60.0
    total_timeout_seconds: float = 600.0
    max_attempts: int = 3
    longest_wait_seconds: float = 5.0
    retry_budget_percent: int = 20
    breaker_failures: int = 5
    breaker_open_seconds: float = 30.0
    on_client_gone: str = "cancel"
    mark_prompts: bool = True
    max_connections_per_host: int = 1000
    private_hosts: str = ""


@dataclass(frozen=True, slots=True)
class Email:
    from_address: str = "ACRON <acron@localhost>"


@dataclass(frozen=True, slots=True)
class Storage:
    data_dir: str = "var"


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. Field names are the keys of config.yaml; defaults are the ones the documentation states."""

    api: Api = field(default_factory=Api)
    cache: Cache = field(default_factory=Cache)
    routing: Routing = field(default_factory=Routing)
    embeddings: Embeddings = field(default_factory=Embeddings)
    governance: Governance = field(default_factory=Governance)
    tracking: Tracking = field(default_factory=Tracking)
    providers: Providers = field(default_factory=Providers)
    email: Email = field(default_factory=Email)
    storage: Storage = field(default_factory=Storage)


_SECTIONS: dict[str, type[Any]] = {f.name: f.default_factory for f in dataclasses.fields(Config)}  # type: ignore[misc]
_CHOICES = {
    "cache.backend": ("redis", "memory"),
    "cache.wall": ("organization", "user", "key"),
    "cache.semantic": ("off", "shadow", "auto", "manual"),
    "routing.default_mode": ("autopilot", "guided", "explicit"),
    "routing.cascades": ("off", "proven", "always"),
    "embeddings.provider": ("auto", "local", "hashing", "cohere", "openai"),
    "providers.on_client_gone": ("cancel", "drain"),
    "governance.email_verification": ("auto", "required", "optional"),
}
# above the first, up to the second
_RANGES = {
    "cache.semantic_tolerance": (0, 0.2),
    "cache.semantic_threshold": (0, 1),
    "cache.semantic_check_percent": (0, 100),
}
# both included
_SPANS = {
    "routing.prior_margin": (0, 5),
    "routing.epsilon": (0.005, 0.2),
    "routing.explore_percent": (0, 100),
    "routing.holdout_percent": (0, 20),
}
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)
_TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration from the file at `path` and the environment. Raises SettingsError."""
    values = _from_file(path)
    for name, (section, key), text in _overrides(environ):
        values[section][key] = _parse(name, text, _field_type(section, key))
    for section, entries in values.items():
        for key, value in entries.items():
            _check_choice(f"{section}.{key}", value)
            _check_range(f"{section}.{key}", value)
    config = Config(**{section: _SECTIONS[section](**entries) for section, entries in values.items()})
    reach_of(config)
    return config


def reach_of(config: Config) -> outbound.Reach:
    """Where addresses that tenants supply may lead. Raises SettingsError."""
    try:
        return outbound.reach_from(config.providers.private_hosts, public_url=config.api.public_url)
    except ValueError as error:
        raise SettingsError(f"providers.private_hosts: {error}") from None


def describe(config: Config) -> dict[str, Any]:
    """Every setting as `section.key -> value`, for `doctor` and the documentation's test."""
    return {
        f"{section}.{f.name}": getattr(getattr(config, section), f.name)
        for section, kind in _SECTIONS.items()
        for f in dataclasses.fields(kind)
    }


def _from_file(path: Path) -> dict[str, dict[str, Any]]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name} is no valid YAML: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{path.name}: expected sections like `api:`, found {type(document).__name__}")
    values: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    for section, entries in document.items():
        _require_known(f"{path.name}: section", str(section), list(_SECTIONS))
        for key, value in (entries or {}).items():
            _require_known(f"{path.name}: setting {section}.", str(key), _keys(section))
            values[section][key] = _parse(f"{path.name}: {section}.{key}", value, _field_type(section, key))
    return values


def _overrides(environ: Mapping[str, str]) -> list[tuple[str, tuple[str, str], str]]:
    known = {f"{PREFIX}{section}_{key}".upper(): (section, key) for section in _SECTIONS for key in _keys(section)}
    # long names come last: where both are set, the more exact one wins
    named = {SHORT_NAMES[name]: (name, text) for name, text in environ.items() if name in SHORT_NAMES}
    for name, text in environ.items():
        if name.startswith(PREFIX) and name not in SHORT_NAMES and name not in SECRETS:
            _require_known("environment variable ", name, [*known, *SHORT_NAMES, *SECRETS])
            named[name] = (name, text)
    return [(shown, known[name], text) for name, (shown, text) in named.items()]


def _keys(section: str) -> list[str]:
    return [f.name for f in dataclasses.fields(_SECTIONS[section])]


def _field_type(section: str, key: str) -> type:
    return type(getattr(_SECTIONS[section](), key))


def _parse(name: str, value: Any, kind: type) -> Any:
    if kind is str and isinstance(value, bool):
        value = "on" if value else "off"  # so YAML reads the bare words
    text = str(value).strip()
    try:
        if kind is bool:
            return _TRUTHS[text.lower()]
        return _amount(text) if kind is Decimal else kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number", Decimal: "an amount like 2.5"}[kind]
        raise SettingsError(f"{name} must be {wanted}, not {text!r}") from None


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _check_choice(name: str, value: Any) -> None:
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def _check_range(name: str, value: Any) -> None:
    low, high = _RANGES.get(name, (None, None))
    if low is not None and high is not None and not low < value <= high:
        raise SettingsError(f"{name} must be above {low} and at most {high}, not {value!r}")
    least, most = _SPANS.get(name, (None, None))
    if least is not None and most is not None and not least <= value <= most:
        raise SettingsError(f"{name} must be from {least} to {most}, not {value!r}")


def _require_known(what: str, name: str, known: list[str]) -> None:
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(sorted(known))}"
    raise SettingsError(f"{what}{name!r} does not exist: {hint}")
