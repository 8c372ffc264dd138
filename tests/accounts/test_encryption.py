"""What is sealed opens with the right key in the right place, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.encryption import AesCipher, Cipher, DecryptionError, EncryptionKey, PlainCipher, cipher_from
from acron_site.lib.config import SettingsError

OLD, NEW = "0a" * 32, "1B" * 32


@pytest.fixture(params=["", OLD], ids=["plain", "aes"])
def cipher(request: pytest.FixtureRequest) -> Cipher:
    return cipher_from(request.param)


def test_what_was_sealed_opens(cipher):
    sealed = cipher.seal(b"our secret plan", aad=b"credentials:ada")

    assert cipher.open(sealed, aad=b"credentials:ada") == b"our secret plan"


@given(plaintext=st.binary(), aad=st.binary())
def test_any_bytes_survive(plaintext, aad):
    for cipher in (cipher_from(""), cipher_from(OLD)):
        assert cipher.open(cipher.seal(plaintext, aad=aad), aad=aad) == plaintext


def test_the_same_text_never_looks_the_same_twice():
    cipher = cipher_from(OLD)

    seals = {cipher.seal(b"yes", aad=b"") for _ in range(1000)}

    assert len(seals) == 1000


def test_the_text_cannot_be_read_from_what_is_sealed():
    assert b"secret" not in cipher_from(OLD).seal(b"our secret plan", aad=b"")


def test_a_value_moved_elsewhere_does_not_open(cipher):
    sealed = cipher.seal(b"our secret plan", aad=b"credentials:ada")

    with pytest.raises(DecryptionError, match="moved"):
        cipher.open(sealed, aad=b"credentials:mallory")


def test_where_the_place_ends_and_the_text_begins_cannot_be_shifted(cipher):
    sealed = cipher.seal(b"bc", aad=b"a")

    with pytest.raises(DecryptionError):
        cipher.open(sealed[:-2] + b"c", aad=b"ab")


def test_every_changed_byte_is_noticed(cipher):
    sealed = cipher.seal(b"our secret plan", aad=b"")

    for position in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[position] ^= 1
        with pytest.raises(DecryptionError):
            cipher.open(bytes(damaged), aad=b"")


def test_every_truncation_is_noticed(cipher):
    sealed = cipher.seal(b"our secret plan", aad=b"")

    for length in range(len(sealed)):
        with pytest.raises(DecryptionError):
            cipher.open(sealed[:length], aad=b"")


def test_after_a_rotation_old_values_open_and_new_ones_are_sealed_under_the_new_key():
    before = cipher_from(OLD)
    kept = before.seal(b"our secret plan", aad=b"")

    after = cipher_from(f"{NEW}, {OLD}")

    assert after.open(kept, aad=b"") == b"our secret plan"
    with pytest.raises(DecryptionError, match="add the former key"):
        before.open(after.seal(b"next", aad=b""), aad=b"")


def test_the_order_of_the_keys_matters_only_for_sealing():
    sealed = cipher_from(f"{NEW},{OLD}").seal(b"our secret plan", aad=b"")

    assert cipher_from(f"{OLD},{NEW}").open(sealed, aad=b"") == b"our secret plan"


def test_another_key_with_the_same_id_does_not_open():
    key = EncryptionKey(b"k" * 32)
    forged = AesCipher([EncryptionKey(b"m" * 32)]).seal(b"planted", aad=b"")

    with pytest.raises(DecryptionError):
        AesCipher([key]).open(forged[:1] + key.id + forged[9:], aad=b"")


def test_unencrypted_values_cannot_be_planted_under_a_key():
    planted = PlainCipher().seal(b"planted", aad=b"")

    with pytest.raises(DecryptionError, match="not encrypted"):
        cipher_from(OLD).open(planted, aad=b"")


def test_a_lost_key_is_named_as_the_cause():
    sealed = cipher_from(OLD).seal(b"our secret plan", aad=b"")

    with pytest.raises(DecryptionError, match="set ASAHI_ENCRYPTION_KEY"):
        cipher_from("").open(sealed, aad=b"")


def test_a_passphrase_gives_the_same_key_at_every_start():
    sealed = cipher_from("correct horse battery staple").seal(b"our secret plan", aad=b"")

    opened = cipher_from("correct horse battery staple").open(sealed, aad=b"")

    assert opened == b"our secret plan"


def test_hex_keys_are_read_in_either_case():
    sealed = cipher_from(NEW.upper()).seal(b"x", aad=b"")

    assert cipher_from(NEW.lower()).open(sealed, aad=b"") == b"x"


def test_a_short_passphrase_is_refused_with_a_remedy_and_without_repeating_it():
    with pytest.raises(SettingsError, match="openssl rand -hex 32") as refusal:
        cipher_from("hunter2")

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("setting", ["", " ", ",", " , "])
def test_without_a_key_values_stay_plain(setting):
    assert isinstance(cipher_from(setting), PlainCipher)


def test_a_key_does_not_show_itself():
    assert "107" not in repr(EncryptionKey(b"k" * 32))
    assert "kkk" not in repr(EncryptionKey(b"k" * 32))
