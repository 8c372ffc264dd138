"""Settings: what is written wrong is refused, with what to write instead."""

from pathlib import Path

import pytest

from acron_site.lib import config
from acron_site.lib.config import SettingsError

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "config.yaml"


def load(tmp_path: Path, text: str = "", **environ: str) -> config.Config:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return config.load(path, environ)


def test_the_shipped_file_states_every_setting_with_its_default():
    shipped = config.describe(config.load(SHIPPED, {}))

    assert shipped == config.describe(config.Config())
    text = SHIPPED.read_text()
    assert [name for name in shipped if f"  {name.partition('.')[2]}: " not in text] == []


def test_the_environment_overrides_the_file(tmp_path):
    settings = load(tmp_path, "cache: {ttl_seconds: 5}", ASAHI_CACHE_TTL_SECONDS="7")

    assert settings.cache.ttl_seconds == 7


@pytest.mark.parametrize(
    ("name", "text", "setting", "value"),
    [
        ("ASAHI_AUTH_API_KEY_REQUIRED", "false", "governance.auth_api_key_required", False),
        ("PORT", "9000", "api.port", 9000),
        ("ASAHI_ROUTING_DEFAULT_QUALITY_THRESHOLD", "4.0", "routing.default_quality_threshold", 4.0),
        ("ASAHI_PROVIDERS_MOCK", "YES", "providers.mock", True),
        ("ASAHI_CACHE_SEMANTIC", "off", "cache.semantic", "off"),
    ],
)
def test_short_and_long_names_and_every_type_are_read(tmp_path, name, text, setting, value):
    assert config.describe(load(tmp_path, **{name: text}))[setting] == value


def test_a_bare_off_in_the_file_is_the_word(tmp_path):
    assert load(tmp_path, "cache: {semantic: off}").cache.semantic == "off"


@pytest.mark.parametrize("value", ["0", "0.3", "-1", "nan", "inf"])
def test_a_tolerance_that_would_let_everything_or_nothing_pass_is_refused(tmp_path, value):
    with pytest.raises(SettingsError, match="semantic_tolerance must be above 0 and"):
        load(tmp_path, ASAHI_CACHE_SEMANTIC_TOLERANCE=value)


def test_the_long_name_wins_over_the_short_one(tmp_path):
    assert load(tmp_path, PORT="1", ASAHI_API_PORT="2").api.port == 2


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        ("", {"ASAHI_CACHE_TLL_SECONDS": "7"}, "did you mean ASAHI_CACHE_TTL_SECONDS?"),
        ("", {"ASAHI_ENCRYPTION_KEI": "7"}, "did you mean ASAHI_ENCRYPTION_KEY?"),
        ("cash: {}", {}, "did you mean cache?"),
        ("cache: {ttl: 1}", {}, "did you mean ttl_seconds?"),
        ("", {"PORT": "eighty"}, "PORT must be a whole number, not 'eighty'"),
        ("", {"ASAHI_CACHE_ENABLED": "perhaps"}, "must be true or false"),
        ("", {"ASAHI_CACHE_BACKEND": "disk"}, "cache.backend must be one of redis, memory, not 'disk'"),
        ("- api", {}, "expected sections"),
        ("api: [", {}, "no valid YAML"),
    ],
)
def test_mistakes_are_refused_with_the_remedy(tmp_path, text, environ, message):
    with pytest.raises(SettingsError) as refusal:
        load(tmp_path, text, **environ)

    assert message in str(refusal.value)


def test_secrets_are_no_settings_but_are_known(tmp_path):
    assert load(tmp_path, ASAHI_ENCRYPTION_KEY="x", ASAHI_KEY_PEPPERS="y") == config.Config()
