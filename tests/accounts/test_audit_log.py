"""Reading the audit log: filters, pages, verification and export, for programs, in the browser and at a terminal."""

import csv
import hashlib
import io
import json
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import AsyncClient

from accounts import audit, audit_export, selectors_audit
from accounts.actor import Actor, Origin
from accounts.audit_query import ExportFormat
from accounts.models import AuditEvent, AuditHead, User
from accounts.principal import Principal
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.selectors_audit import Filters
from accounts.services import api_keys, audit_exports, members
from tests.accounts.conftest import PASSWORD, Person

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def grace(ada) -> User:
    """A colleague of Ada's, who may not read the log."""
    user = User.objects.create_user("grace@example.com", PASSWORD)
    members.add(ada.actor, ada.organization, user, Role.MEMBER)
    return user


def as_key(person: Person, key: api_keys.IssuedKey) -> Actor:
    scopes = frozenset({Scope.ADMIN})
    return Actor(Principal(person.organization.pk, scopes, key_id=key.key.pk), Origin(address="192.0.2.1"))


def read(client, person: Person, **query):
    response = client.get("/governance/audit", query, headers={"x-api-key": person.api_key})
    assert response.status_code == 200, response.content
    return response.json()


def actions(client, person: Person, **query) -> list[str]:
    return [each["action"] for each in read(client, person, **query)["data"]]


def exported(person: Person, *, filters: Filters | None = None, kind: ExportFormat = "jsonl") -> str:
    """An export as its reader gets it."""

    async def gather() -> bytes:
        return b"".join([part async for part in audit_export.parts(export)])

    export = audit_exports.begin(person.actor, filters or Filters(), kind)
    return async_to_sync(gather)().decode()


# for programs


def test_the_log_comes_newest_first_and_in_parts(client, ada, grace):
    first = read(client, ada, limit=2)
    rest = read(client, ada, limit=2, after=first["next"])

    sequences = [row["sequence"] for row in first["data"] + rest["data"]]
    assert sequences == [3, 2, 1]
    assert (first["has_more"], rest["has_more"], rest["next"]) == (True, False, None)


def test_the_head_comes_along_and_the_verdict_on_demand(client, ada):
    head = selectors_audit.head(ada.organization.pk)
    shown = {"sequence": head.sequence, "hash": head.hash.hex()}

    assert read(client, ada)["chain"] == {
        "is_intact": None, "checked": None, "first_broken_sequence": None, "reason": "", "head": shown,
    }  # fmt: skip
    assert read(client, ada, verify="true")["chain"] == {
        "is_intact": True, "checked": 2, "first_broken_sequence": None, "reason": "", "head": shown,
    }  # fmt: skip


def test_a_broken_chain_is_told(client, ada):
    break_chain(ada)

    chain = read(client, ada, verify=1)["chain"]

    assert (chain["is_intact"], chain["first_broken_sequence"]) == (False, 1)
    assert "changed" in chain["reason"]


def break_chain(person: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE accounts_auditevent SET action = 'nothing.done' WHERE sequence = 1 AND organization_id = %s",
            [person.organization.pk],
        )
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_filters_find_acts_by_what_was_done(client, ada, grace):
    assert actions(client, ada, action="api_key.created") == ["api_key.created"]
    assert actions(client, ada, action="api_key") == ["api_key.created"]
    assert actions(client, ada, action="api") == []


def test_filters_find_acts_by_who_did_them(client, ada, grace):
    key = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.ADMIN])
    api_keys.revoke(as_key(ada, key), key.key.pk)

    for by_key in (key.key.prefix, f"ak_live_{key.key.prefix}", key.text, str(key.key.pk), "key"):
        assert actions(client, ada, actor=by_key) == ["api_key.revoked"]
    for by_person in ("ada@example.com", " ADA@example.com", str(ada.user.pk), "user"):
        assert len(actions(client, ada, actor=by_person)) == 4
    for by_nobody in ("grace@example.com", "nobody@example.com", "system", "operator", "x"):
        assert actions(client, ada, actor=by_nobody) == []


def test_filters_find_acts_by_what_they_were_done_to(client, ada, grace):
    assert actions(client, ada, object="grace@example.com") == ["member.added"]
    assert actions(client, ada, object="sign-up") == ["api_key.created"]
    assert actions(client, ada, object="organization") == ["organization.created"]
    assert actions(client, ada, object=str(ada.organization.pk)) == ["organization.created"]
    assert actions(client, ada, object="nobody@example.com") == []
    assert actions(client, ada, object="100%_") == []


def test_filters_find_acts_by_their_time(client, ada):
    today = datetime.now(UTC).date()
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)

    assert len(actions(client, ada, **{"from": yesterday, "until": tomorrow})) == 2
    assert actions(client, ada, **{"from": "2999-01-01"}) == []
    assert actions(client, ada, until=yesterday) == []
    assert actions(client, ada, until=f"{yesterday}T12:00:00+02:00") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "501"), ("limit", "x"), ("after", "-1"), ("after", "9" * 30), ("verify", "maybe"),
        ("from", "yesterday"), ("from", "2026-13-01"), ("until", "9999-12-31"), ("from", "0001-01-01T00:00+14:00"),
        ("action", "a\x00b"), ("actor", "x" * 201), ("object", "\x00"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(client, ada, name, value):
    response = client.get("/governance/audit", {name: value}, headers={"x-api-key": ada.api_key})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == name


def test_names_are_shown_for_ids_and_stay_out_of_the_chain(client, ada, grace):
    key = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.ADMIN])
    api_keys.revoke(as_key(ada, key), key.key.pk)

    revoked, _, added, *_ = read(client, ada)["data"]

    assert revoked["actor_label"] == f"CI (ak_live_{key.key.prefix}...)"
    assert (added["actor_label"], added["object_label"]) == ("ada@example.com", "grace@example.com")
    assert "@" not in json.dumps({name: value for name, value in added.items() if not name.endswith("_label")})


def test_who_was_deleted_is_named_so(client, ada, grace):
    grace.delete()

    added, *_ = read(client, ada, action="member")["data"]

    assert added["object_label"] == "deleted person"
    assert read(client, ada, verify=1)["chain"]["is_intact"]


def test_a_rival_reads_nothing_of_it(client, ada, mallory):
    sequences = {row["object_id"] for row in read(client, mallory)["data"]}

    assert str(ada.organization.pk) not in sequences
    assert actions(client, mallory, actor="ada@example.com") == []
    assert ada.user.email not in exported(mallory)


# export


def test_an_export_can_be_verified_with_nothing_but_sha256(ada, grace):
    record(ada, name='Ünïcode 漢字 "q" \\ =1+1')

    rows = [json.loads(line) for line in exported(ada).splitlines()]

    previous = "00" * 32
    for number, row in enumerate(rows, start=1):
        facts = {name: value for name, value in row.items() if name not in ("previous_hash", "hash")}
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert (row["sequence"], row["previous_hash"]) == (number, previous)
        assert row["hash"] == hashlib.sha256(bytes.fromhex(previous) + text.encode()).hexdigest()
        previous = row["hash"]
    assert previous == selectors_audit.head(ada.organization.pk).hash.hex()


def record(person: Person, **after: object) -> None:
    with transaction.atomic():
        audit.record(person.actor, "organization.changed", person.organization, after=after)


def test_an_export_is_recorded_as_its_own_last_act(ada):
    last = json.loads(exported(ada, filters=Filters(action="audit")).splitlines()[-1])

    assert last["action"] == "audit.exported"
    assert last["after"] == {"format": "jsonl", "filters": ["action=audit"]}


def test_an_export_holds_what_the_filters_let_through(ada, grace):
    rows = [json.loads(line) for line in exported(ada, filters=Filters(object="grace@example.com")).splitlines()]

    assert [row["action"] for row in rows] == ["member.added"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "'quoted", "plain"])
def test_no_cell_of_a_csv_is_a_formula(ada, name):
    api_keys.issue(ada.actor, ada.organization, name, scopes=[Scope.INFER])

    rows = list(csv.DictReader(io.StringIO(exported(ada, kind="csv"))))

    [cell] = [row["object_name"] for row in rows if name in row["object_name"]]
    assert cell.startswith("plain" if name == "plain" else f"'{name}")
    assert [value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_a_csv_can_be_verified_too(ada):
    api_keys.issue(ada.actor, ada.organization, '=cmd|"x", y', scopes=[Scope.INFER])

    for row in csv.DictReader(io.StringIO(exported(ada, kind="csv"))):
        plain = {name: value.removeprefix("'") for name, value in row.items()}
        facts = {
            **{name: value for name, value in plain.items() if name not in ("previous_hash", "hash")},
            "sequence": int(plain["sequence"]),
            "actor_user_id": plain["actor_user_id"] or None,
            "actor_key_id": plain["actor_key_id"] or None,
            "before": json.loads(plain["before"]),
            "after": json.loads(plain["after"]),
        }
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert plain["hash"] == hashlib.sha256(bytes.fromhex(plain["previous_hash"]) + text.encode()).hexdigest()


@pytest.mark.parametrize("accept", ["*/*", "text/csv", "application/x-ndjson"])
async def test_an_export_comes_whatever_the_client_accepts(accept, transactional_db, ada):
    response: Any = await AsyncClient().get(
        "/governance/audit/export?format=csv", headers={"x-api-key": ada.api_key, "accept": accept}
    )

    assert (response.status_code, response["content-type"]) == (200, "text/csv; charset=utf-8")
    assert response["content-disposition"] == 'attachment; filename="audit-3.csv"'
    lines = b"".join([part async for part in response.streaming_content]).splitlines()
    assert [line.split(b",")[1] for line in lines] == [b"sequence", b"1", b"2", b"3"]


@pytest.mark.parametrize("query", ["format=xml", "from=never"])
def test_an_export_that_cannot_be_is_refused_and_not_recorded(client, ada, query):
    client.force_login(ada.user, backend=BACKEND)
    before = selectors_audit.head(ada.organization.pk)

    by_program = client.get(f"/governance/audit/export?{query}", headers={"x-api-key": ada.api_key})
    in_browser = client.get(f"/audit/export?{query}", headers={"accept": "text/html"})

    assert (by_program.status_code, in_browser.status_code) == (400, 400)
    assert selectors_audit.head(ada.organization.pk) == before


def test_a_long_export_begins_at_once_and_takes_little_memory(ada):
    fill(ada, 50_000)
    export = audit_exports.begin(ada.actor, Filters(), "jsonl")

    async def follow() -> tuple[float, int]:
        start, first, lines = time.perf_counter(), 0.0, 0
        async for part in audit_export.parts(export):
            first = first or time.perf_counter() - start
            lines += part.count(b"\n")
        return first, lines

    tracemalloc.start()
    first_seconds, lines = async_to_sync(follow)()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert lines == export.up_to == 50_003
    assert first_seconds < 1.0
    assert peak_bytes < 20_000_000


def fill(person: Person, number: int) -> None:
    """Many acts at once. Their hashes are not right; only their number matters."""
    organization_id = person.organization.pk
    head = selectors_audit.head(organization_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_auditevent (id, organization_id, sequence, occurred_at, action, actor_kind,"
            " actor_role, object_kind, object_id, object_name, before, after, address, user_agent, request_id,"
            " previous_hash, hash)"
            " SELECT gen_random_uuid(), %s, n, now(), 'api_key.created', 'system', 'owner', 'api_key', '', 'x', '{}',"
            " '{}', '', '', '', sha256('x'), sha256('x') FROM generate_series(%s, %s) n",
            [organization_id, head.sequence + 1, head.sequence + number],
        )
    AuditHead.objects.for_organization(organization_id).update(sequence=head.sequence + number)


# in the browser


def test_the_page_shows_who_did_what(client, ada, grace):
    client.force_login(ada.user, backend=BACKEND)

    page = client.get("/audit").content.decode()

    for text in ("ada@example.com", "grace@example.com", "member.added", "owner", "organization.created"):
        assert text in page
    assert str(selectors_audit.head(ada.organization.pk)) in page
    assert "Intact" not in page


def test_the_page_verifies_on_demand(client, ada):
    client.force_login(ada.user, backend=BACKEND)

    assert "Intact" in client.get("/audit", {"verify": 1}).content.decode()
    break_chain(ada)
    assert "Broken" in client.get("/audit", {"verify": 1}).content.decode()


def test_filters_stand_in_the_address_and_are_carried_on(client, ada, grace):
    client.force_login(ada.user, backend=BACKEND)

    page = client.get("/audit", {"actor": "ada@example.com", "limit": 1}).content.decode()

    assert "/audit?actor=ada%40example.com&amp;limit=1&amp;after=3" in page
    assert "/audit/export?format=csv&amp;actor=ada%40example.com" in page
    assert 'value="ada@example.com"' in page


def test_the_page_teaches_when_nothing_matches(client, ada):
    client.force_login(ada.user, backend=BACKEND)

    response = client.get("/audit", {"action": "never.done"})

    assert response.status_code == 200
    assert "No entry matches" in response.content.decode()


def test_the_page_says_what_is_wrong_with_a_filter(client, ada):
    client.force_login(ada.user, backend=BACKEND)

    response = client.get("/audit", {"from": "yesterday"})

    assert response.status_code == 400
    assert "from must be a day like 2026-01-31" in response.content.decode()


def test_texts_of_others_are_shown_as_text(client, ada):
    api_keys.issue(ada.actor, ada.organization, "<script>alert(1)</script>", scopes=[Scope.INFER])
    client.force_login(ada.user, backend=BACKEND)

    page = client.get("/audit").content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_a_member_may_not_read_it(client, ada, grace):
    client.force_login(grace, backend=BACKEND)

    for address in ("/audit", "/audit/export", "/governance/audit", "/governance/audit/export"):
        assert client.get(address).status_code == 403
    assert not AuditEvent.objects.for_organization(ada.organization.pk).filter(action="audit.exported").exists()


# at a terminal


def verify_audit(capsys, *arguments: str) -> tuple[object, str]:
    """The exit code and what was printed."""
    code: object = 0
    try:
        call_command("verify_audit", *arguments)
    except SystemExit as end:
        code = end.code
    return code, capsys.readouterr().out


def test_the_command_verifies_all_organizations(capsys, ada, mallory):
    head = selectors_audit.head(ada.organization.pk)

    code, out = verify_audit(capsys)

    assert code == 0
    assert out.splitlines() == [
        f"ada-ltd: intact, 2 acts, head {head}",
        f"mallory-ltd: intact, 2 acts, head {selectors_audit.head(mallory.organization.pk)}",
    ]


def test_the_command_fails_when_a_chain_is_broken(capsys, ada, mallory):
    break_chain(mallory)

    assert verify_audit(capsys, "--organization", "ada-ltd")[0] == 0
    code, out = verify_audit(capsys, "--json")

    assert code == 1
    assert [(row["organization"], row["is_intact"], row["first_broken_sequence"]) for row in json.loads(out)] == [
        ("ada-ltd", True, None),
        ("mallory-ltd", False, 1),
    ]


def test_the_command_holds_a_chain_against_a_head_that_was_noted(capsys, ada):
    head = str(selectors_audit.head(ada.organization.pk))
    other = f"2:{'00' * 32}"

    assert verify_audit(capsys, "--organization", "ada-ltd", "--head", head)[0] == 0
    assert verify_audit(capsys, "--organization", "ada-ltd", "--head", other)[0] == 1


@pytest.mark.parametrize("arguments", [["--organization", "nobody"], ["--head", f"1:{'00' * 32}"], ["--head", "x"]])
def test_the_command_says_what_it_cannot_do(ada, arguments):
    with pytest.raises(CommandError):
        call_command("verify_audit", *arguments)
