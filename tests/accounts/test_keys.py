"""Keys as text: their shape, their checksum, their digests."""

import hashlib
import hmac
import math
import re

import pytest

from accounts import keys
from acron_site.lib.config import SettingsError

SECRET_KEY = "the application's secret key"


@pytest.mark.parametrize("mode", ["live", "test"])
def test_a_new_key_has_the_documented_shape_and_is_read_back(mode):
    text, prefix = keys.make(mode)

    parsed = keys.parse(text)

    assert re.fullmatch(keys.PATTERN, text)
    assert parsed == keys.ParsedKey(mode=mode, prefix=prefix, text=text)


def test_a_key_holds_at_least_128_secret_bits():
    text, prefix = keys.make("live")

    secret = text.removeprefix(f"ak_live_{prefix}_")[:-6]

    assert len(secret) * math.log2(62) >= 128
    assert len({keys.make("live")[0] for _ in range(1000)}) == 1000


def test_every_mistyped_character_is_noticed():
    text, _ = keys.make("live")

    for position in range(len("ak_live_"), len(text)):
        wrong = "b" if text[position] == "a" else "a"
        assert keys.parse(text[:position] + wrong + text[position + 1 :]) is None


MALFORMED = [
    "",
    "ak_live_",
    "sk-proj-something",
    "ak_live_AAAAAAAA_" + "A" * 38,
    "ak_prod_AAAAAAAA_" + "A" * 38,
    "ak_live_ÄÄÄÄÄÄÄÄ_" + "A" * 38,
    "\ud800",
    "\x00" * 55,
    "A" * 100_000,
]


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_key_is_read_as_none(text):
    assert keys.parse(text) is None


def test_a_line_break_after_a_key_is_not_part_of_it():
    assert keys.parse(keys.make("live")[0] + "\n") is None


def test_the_digest_is_an_hmac_under_the_pepper():
    assert keys.digest("ak_live_x", b"pepper") == hmac.new(b"pepper", b"ak_live_x", hashlib.sha256).digest()


def test_without_a_setting_the_first_pepper_comes_from_the_secret_key():
    ours, theirs = keys.read_peppers("", SECRET_KEY), keys.read_peppers("", "another secret key")

    assert ours.current_id == 1
    assert ours == keys.read_peppers("", SECRET_KEY)
    assert ours.current != theirs.current


def test_the_first_pepper_makes_new_digests_and_the_others_stay():
    peppers = keys.read_peppers(f"7:{'cd' * 16}, 2:{'ab' * 16}", SECRET_KEY)

    assert peppers.current_id == 7
    assert peppers.current == b"\xcd" * 16
    assert peppers.by_id[1] == keys.read_peppers("", SECRET_KEY).current


@pytest.mark.parametrize("setting", ["nonsense", "1:xyz", "0:" + "ab" * 16, "40000:" + "ab" * 16, "1:abcd"])
def test_a_pepper_that_would_not_protect_is_refused_with_what_to_write(setting):
    with pytest.raises(SettingsError, match="ASAHI_KEY_PEPPERS"):
        keys.read_peppers(setting, SECRET_KEY)


def test_secrets_do_not_show_in_what_is_logged():
    text, _ = keys.make("live")

    assert text not in repr(keys.parse(text))
    assert "abab" not in repr(keys.read_peppers("1:" + "ab" * 16, SECRET_KEY))


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "token"),
    [
        ("Bearer k", None, "k"),
        ("bearer   k ", None, "k"),
        ("Bearer k", "other", "k"),
        (None, " k ", "k"),
        ("Basic dXNlcg==", "k", "k"),
        ("Bearer ", "k", "k"),
        ("Bearer", None, None),
        ("Basic dXNlcg==", None, None),
        ("", "", None),
        (None, None, None),
    ],
)
def test_the_key_is_found_in_either_header(authorization, x_api_key, token):
    assert keys.token_from(authorization, x_api_key) == token
