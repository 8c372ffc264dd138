"""What operators do on the command line, and the demonstration's log-in."""

import json
import stat
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts import wiring
from accounts.demo import ensure_demo
from accounts.models import Organization, User
from accounts.scopes import Scope
from accounts.services import people


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("create_organization", *arguments, stdout=out)
    return out.getvalue()


def test_an_organization_is_made_with_an_owner_and_a_key(db):
    made = json.loads(run("--name", "Acme", "--email", "Ada@Example.com", "--json"))

    principal = wiring.key_directory().resolve(made["api_key"])
    assert str(principal.organization_id) == made["organization_id"]
    assert principal.allows(Scope.ADMIN)
    assert made["slug"] == "acme"
    assert people.log_in("ada@example.com", made["password"]).organization_id == principal.organization_id


def test_people_read_the_key_once(db):
    shown = run("--name", "Acme", "--email", "ada@example.com")

    assert "api_key: ak_live_" in shown
    assert "shown only once" in shown


def test_somebody_known_keeps_the_password(ada):
    shown = json.loads(run("--name", "Second", "--email", "ADA@example.com", "--json"))

    assert shown["password"] is None
    assert Organization.objects.count() == 2
    assert User.objects.count() == 1


def test_a_wrong_address_is_refused(db):
    with pytest.raises(CommandError, match="no email address"):
        run("--name", "Acme", "--email", "nobody")


def test_the_demonstration_is_made_once_and_found_again(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path

    first, second = ensure_demo(), ensure_demo()

    assert first == second
    assert first.password
    assert people.log_in(first.email, first.password).organization_id == first.organization.pk
    assert Organization.objects.count() == 1


def test_only_the_owner_can_read_the_demonstrations_password(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path

    ensure_demo()

    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600


def test_a_password_that_was_changed_is_not_shown_and_not_changed_back(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    demo = ensure_demo()
    user = User.objects.get(email=demo.email)
    user.set_password("a password of my own")
    user.save()

    assert ensure_demo().password is None
    assert people.log_in(demo.email, "a password of my own")
