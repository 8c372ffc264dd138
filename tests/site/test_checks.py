"""What is wrong with an installation is found before it hurts, and said with the fix."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from django.core import checks as django_checks
from django.core.management import call_command
from django.test import override_settings

from acron_site import checks, diagnosis
from acron_site.diagnosis import Verdict
from acron_site.lib.config import Config, Embeddings


def models_at(path: str, config: Config) -> Config:
    return replace(config, providers=replace(config.providers, models_file=path))


def ids(messages) -> list[str | None]:
    return [message.id for message in messages]


def test_a_sound_installation_has_no_complaints(settings):
    assert django_checks.run_checks() == []


def test_a_missing_models_file_is_an_error(settings):
    settings.ACRON = models_at("config/nowhere.yaml", settings.ACRON)

    assert ids(checks.models_file()) == ["acron.E001"]


def test_a_models_file_that_is_none_is_an_error(settings, tmp_path):
    (tmp_path / "models.yaml").write_text("models: 7")
    settings.ACRON = models_at(str(tmp_path / "models.yaml"), settings.ACRON)

    assert ids(checks.models_file()) == ["acron.E001"]


@override_settings(ENCRYPTION_KEY="")
def test_a_missing_encryption_key_is_a_warning():
    assert ids(checks.encryption_key()) == ["acron.W001"]


@override_settings(GENERATED_SECRETS=["DJANGO_SECRET_KEY"])
def test_secrets_of_our_making_are_no_good_in_production():
    (message,) = checks.own_secrets()

    assert message.id == "acron.W002"
    assert "DJANGO_SECRET_KEY" in message.msg


def test_pgvector_is_there(db):
    assert checks.pgvector(databases=["default"]) == []
    assert checks.pgvector() == []


def test_the_doctor_finds_nothing_broken(db):
    output = StringIO()

    call_command("doctor", stdout=output)

    assert "OK       database: PostgreSQL 18" in output.getvalue()
    assert "FAILED" not in output.getvalue()


def test_the_doctor_speaks_json(db):
    output = StringIO()

    call_command("doctor", "--json", stdout=output)

    found = {finding["subject"]: finding for finding in json.loads(output.getvalue())}
    assert found["redis"]["verdict"] == "ok"
    assert "set them in the environment" in found["secrets"]["fix"]


def test_the_doctor_fails_with_the_fix_when_redis_is_away(db, settings):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    output = StringIO()

    with pytest.raises(SystemExit, match="1"):
        call_command("doctor", stdout=output)

    assert "FAILED   redis: " in output.getvalue()
    assert "correct REDIS_URL" in output.getvalue()


def test_the_doctor_names_a_broken_models_file(db, settings):
    settings.ACRON = models_at("config/nowhere.yaml", settings.ACRON)

    found = {finding.subject: finding for finding in diagnosis.findings()}

    assert found["models"].verdict is Verdict.FAILED
    assert "config/nowhere.yaml" in found["models"].fix


def test_the_doctor_warns_of_a_data_directory_it_cannot_write(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "nowhere"

    found = {finding.subject: finding for finding in diagnosis.findings()}

    assert found["data directory"].verdict is Verdict.FAILED


def test_the_doctor_names_the_embedder_and_its_speed(db):
    found = {finding.subject: finding for finding in diagnosis.findings()}

    assert found["embedder"].verdict is Verdict.OK
    assert found["embedder"].says.startswith("minilm-l6-int8-b941bf19:384:1, ")


def test_the_doctor_says_how_to_mend_an_embedder_that_lacks_its_key(db, settings):
    settings.ACRON = replace(settings.ACRON, embeddings=Embeddings(provider="openai"))
    settings.ENVIRON = {}

    found = {finding.subject: finding for finding in diagnosis.findings()}

    assert found["embedder"].verdict is Verdict.WARNING
    assert "set OPENAI_API_KEY" in found["embedder"].says
