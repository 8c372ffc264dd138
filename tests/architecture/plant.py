"""An organization with a row in every table, each marked so that a leak can be recognised."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts import audit, wiring
from accounts.models import (
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    ProviderCredential,
    User,
)
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, members
from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7
from analytics import content_store
from analytics.models import CostAdjustment, Feedback, InferenceEvent, KeptContent
from caching.gate_rules import CheckSource
from caching.models import CachePolicy, SemanticCheck, SemanticEntry, SemanticGate, SemanticPurge, SemanticServing
from inference.models import RoutingEvidence, RoutingPair, RoutingPolicy, RoutingProof, RoutingWeights
from tests.accounts.conftest import Person, signed_up
from tests.analytics.facts import keep, paid_answer

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Planted:
    """`marks` are texts that only this organization's people may ever see; `ids` name its rows."""

    person: Person
    infer_key: str
    marks: frozenset[str]
    ids: tuple[str, ...]


def planted(name: str) -> Planted:
    """An organization whose every text carries a mark of its own."""
    mark = f"marked-{name.lower()}-{sha256(name.encode()).hexdigest()[:8]}"
    person = signed_up(name)
    organization = person.organization
    organization.name = f"{mark} Ltd"
    organization.save(update_fields=["name"])
    infer = api_keys.issue(person.actor, organization, f"{mark} key", scopes=[Scope.INFER])
    for make in _MAKERS.values():
        make(person, mark)
    ids = [
        str(row.pk) for model in tenant_tables() for row in model.all_organizations.filter(organization=organization)
    ]
    people = [str(user.pk) for user in User.objects.filter(memberships__organization=organization)]
    marks = frozenset({mark, person.user.email, infer.key.prefix, *ids, *people, str(organization.pk)})
    return Planted(person, infer.text, marks, tuple(sorted({*ids, *people, str(organization.pk)})))


def tenant_tables() -> list[Any]:
    return [model for model in apps.get_models() if issubclass(model, OrganizationScopedModel)]


def tables_without_a_row(organization: Organization) -> list[str]:
    return [
        model.__name__
        for model in tenant_tables()
        if not model.all_organizations.filter(organization=organization).exists()
    ]


def fingerprint(organization: Organization) -> str:
    """One digest of all rows of an organization: the same as long as nobody has touched any."""
    parts = []
    with connection.cursor() as cursor:
        for model in tenant_tables():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
                " WHERE organization_id = %s",
                [organization.pk],
            )
            parts.append(cursor.fetchone()[0])
        cursor.execute(
            "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM accounts_organization t WHERE id = %s",
            [organization.pk],
        )
        parts.append(cursor.fetchone()[0])
    return "".join(parts)


def _colleague(person: Person, mark: str) -> None:
    user = User.objects.create_user(f"{mark}@example.com", PASSWORD, full_name=f"{mark} Grace")
    members.add(person.actor, person.organization, user, Role.ADMIN)


def _invitation(person: Person, mark: str) -> None:
    Invitation(
        organization=person.organization,
        email=f"{mark}-invited@example.com",
        role=Role.MEMBER,
        digest=sha256(mark.encode()).digest(),
        expires_at=timezone.now() + timedelta(days=7),
    ).save(force_insert=True)


def _credential(person: Person, mark: str) -> None:
    aad = f"provider_credential:{person.organization.pk}".encode()
    ProviderCredential(
        organization=person.organization,
        provider="openai",
        sealed=wiring.cipher().seal(f"sk-{mark}".encode(), aad=aad),
        last_four="wxyz",
        test_result=mark,
    ).save(force_insert=True)


def _event(person: Person, mark: str) -> None:
    keep(paid_answer(person.organization.pk, end_user=mark, tags={"team": mark}, route_reason=mark))


def _adjustment(person: Person, mark: str) -> None:
    CostAdjustment(
        organization=person.organization,
        event_id=uuid7(),
        occurred_at=timezone.now(),
        new_price_version="2026-11-27.right",
        amount_usd=1,
        reason=mark,
        created_at=timezone.now(),
    ).save(force_insert=True)


def _content(person: Person, mark: str) -> None:
    said = b'{"content":"%b"}' % mark.encode()
    organization = person.organization
    KeptContent(
        event_id=uuid7(),
        organization=organization,
        occurred_at=timezone.now(),
        sealed=wiring.cipher().seal(said, aad=content_store.place_of(organization.pk)),
    ).save(force_insert=True)


def _question(person: Person, mark: str) -> None:
    SemanticEntry(
        id=uuid7(),
        organization=person.organization,
        namespace=mark,
        partition=bytes(16),
        fingerprint=bytes(16),
        space=mark,
        embedding=[1, 0],
        question=mark.encode(),
        answer=mark.encode(),
        tags={"team": mark},
        expires_at=timezone.now() + timedelta(days=1),
    ).save(force_insert=True)


def _feedback(person: Person, mark: str) -> None:
    Feedback(organization=person.organization, request_id=mark, person_id=person.user.pk, score=1, outcome=mark).save(
        force_insert=True
    )


def _gate(person: Person, mark: str) -> None:
    SemanticGate(
        organization=person.organization,
        namespace=mark,
        task_type=mark,
        space="a model",
        likeness_version="1",
        tolerance=0.01,
        reason=mark,
    ).save(force_insert=True)


def _check(person: Person, mark: str) -> None:
    SemanticCheck(
        organization=person.organization,
        gate=SemanticGate.objects.for_organization(person.organization.pk).get(),
        score=1,
        similarity=1,
        agrees=True,
        method=CheckSource.SHADOW,
        source=CheckSource.SHADOW,
        neighbour_id=uuid7(),
        request_id=mark,
        occurred_at=timezone.now(),
    ).save(force_insert=True)


def _purge(person: Person, mark: str) -> None:
    SemanticPurge(organization=person.organization, what=mark).save(force_insert=True)


def _serving(person: Person, mark: str) -> None:
    SemanticServing(
        organization=person.organization,
        request_id=mark,
        neighbour_id=uuid7(),
        namespace=mark,
        task_type=mark,
        space=mark,
        likeness_version="1",
        score=1,
        similarity=1,
        served_at=timezone.now(),
    ).save(force_insert=True)


def _audit(person: Person, mark: str) -> None:
    audit.record(person.actor, "organization.renamed", person.organization, after={"name": mark})


def _cache_policy(person: Person, mark: str) -> None:
    CachePolicy(organization=person.organization, namespace=mark, wall="user").save(force_insert=True)


def _routing_policy(person: Person, mark: str) -> None:
    RoutingPolicy(organization=person.organization, explores=True).save(force_insert=True)


def _routing_proof(person: Person, mark: str) -> None:
    RoutingProof(organization=person.organization, task_type=mark, model=mark, reference=mark, epsilon=0.03).save(
        force_insert=True
    )


def _routing_pair(person: Person, mark: str) -> None:
    RoutingPair(
        organization=person.organization,
        proof=RoutingProof.objects.for_organization(person.organization.pk).get(model=mark),
        lost=True,
        method=mark[:32],
        source="trial",
        request_id=mark,
        occurred_at=timezone.now(),
    ).save(force_insert=True)


def _routing_evidence(person: Person, mark: str) -> None:
    RoutingEvidence(
        organization=person.organization,
        pair_id=uuid7(),
        request_id=mark,
        model=mark,
        reference=mark,
        task_type=mark,
        source="trial",
        score=1.0,
        signals=[0.0],
        occurred_at=timezone.now(),
    ).save(force_insert=True)


def _routing_weights(person: Person, mark: str) -> None:
    RoutingWeights(organization=person.organization, weights={}, rows=1, newest_id=uuid7(), why_not=mark).save(
        force_insert=True
    )


# every tenant table has its maker here; a new table without one fails the fuzz
_MAKERS: dict[type[OrganizationScopedModel], Callable[[Person, str], None]] = {
    Membership: _colleague,
    Invitation: _invitation,
    ProviderCredential: _credential,
    InferenceEvent: _event,
    CostAdjustment: _adjustment,
    KeptContent: _content,
    SemanticEntry: _question,
    Feedback: _feedback,
    CachePolicy: _cache_policy,
    SemanticGate: _gate,
    SemanticCheck: _check,
    SemanticPurge: _purge,
    SemanticServing: _serving,
    RoutingPolicy: _routing_policy,
    RoutingProof: _routing_proof,
    RoutingPair: _routing_pair,
    RoutingEvidence: _routing_evidence,
    RoutingWeights: _routing_weights,
    AuditEvent: _audit,
}
