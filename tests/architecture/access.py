"""The ACCESS table: who may call which address. A new address gets a line here, or the tests fail.

The gateway's own addresses are served beside Django; `tests/inference` asks them the same questions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from accounts.rights import Right
from accounts.scopes import Scope
from tests.architecture.made_keys import an_api_key
from tests.architecture.made_links import a_reset_link, a_verification_link
from tests.architecture.made_members import a_member, an_invitation, an_invitation_link, as_choice, as_heir


@dataclass(frozen=True)
class Rule:
    """Who may call a method of an address, and a call that succeeds.

    `make` makes what the address names, in the organization it is given, and returns the address's arguments;
    addresses with arguments must have one, so that a stranger can be sent to them.
    """

    scope: Scope | None = None
    page: Right | bool = False  # a page in the browser: the right it takes, or True for everybody who belongs somewhere
    is_open: bool = False
    is_form: bool = False  # of an open page: what is sent is a form, and the answer may be a redirect
    is_for_operators: bool = False
    body: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] = field(default_factory=dict)  # may make what it names
    is_personal: bool = False  # takes a key that speaks for a person, such as signing up gives
    make: Callable[[Any], Mapping[str, Any]] | None = None
    names_no_row: bool = False  # what the address names everybody may have, such as a key for a provider


def _provider_key(organization: Any) -> Mapping[str, Any]:
    from accounts import actor
    from accounts.services import provider_credentials

    provider_credentials.put(actor.system(organization.pk), "openai", "sk-of-this-organization")
    return {"provider": "openai"}


def _kept_content(organization: Any) -> Mapping[str, Any]:
    from datetime import UTC, datetime

    from accounts import actor
    from accounts.services import retention
    from acron_site.lib.ids import uuid7
    from analytics import content_store
    from analytics.content import Content

    retention.set_content_retention(actor.system(organization.pk), keeps=True, days=30)
    event_id = uuid7()
    content_store.write([Content(event_id, organization.pk, datetime.now(UTC), b"{}", b"{}")])
    return {"event_id": event_id}


def _about_an_answer(organization: Any) -> Mapping[str, Any]:
    from tests.analytics.facts import keep, paid_answer

    answer = paid_answer(organization.pk)
    keep(answer)
    return {"request_id": answer.request_id, "thumbs": "up"}


def _cache_policy(organization: Any) -> Mapping[str, Any]:
    from accounts import actor
    from caching import services_policies
    from caching.policies import Wishes

    services_policies.put(actor.system(organization.pk), "drafts", Wishes(keep_sampled=True))
    return {"namespace": "drafts"}


CACHE_POLICY = Rule(Scope.ADMIN, make=_cache_policy)


def _gate(organization: Any) -> Mapping[str, Any]:
    from caching.models import SemanticGate

    gate = SemanticGate(
        organization=organization, namespace="default", space="a model", likeness_version="1", tolerance=0.01
    )
    gate.save(force_insert=True)
    return {"gate_id": gate.pk}


def _as_reset(organization: Any) -> Mapping[str, Any]:
    return {"id": str(_gate(organization)["gate_id"])}


def _kept_entry(organization: Any) -> Mapping[str, Any]:
    from tests.caching.entries.kept import keep

    return {"entry_id": keep(organization.pk, "What is the capital of France?")}


CACHE_ENTRY = Rule(Scope.ADMIN, make=_kept_entry)
CACHE_PAGE = Rule(page=Right.MANAGE_SETTINGS)
ENTRY_PAGE = Rule(page=Right.MANAGE_SETTINGS, make=_kept_entry)
GATE_PAGE = Rule(page=Right.MANAGE_SETTINGS, make=_gate)
PROVIDER_KEYS = Rule(Scope.ADMIN, make=_provider_key)
PROVIDER_KEYS_PAGE = Rule(page=Right.MANAGE_PROVIDER_CREDENTIALS, make=_provider_key)

OPEN = Rule(is_open=True)
ANY_KEY = Rule()
PAGE = Rule(page=True)
OPERATORS = Rule(is_for_operators=True)  # and everything below that address
ANALYTICS = Rule(Scope.ANALYTICS)

SIGN_UP = Rule(is_open=True, body={"email": "grace@example.com", "password": "correct horse battery"})
LOG_IN = Rule(is_open=True, body={"email": "ada@example.com", "password": "correct horse battery"})

# of signing in: everybody may open them, and is sent on
ENTRANCE = Rule(is_open=True, is_form=True)
# of a person's own account: the number is one of their own passkeys, nobody else's is found under it
OWN_PASSKEY = Rule(page=True, make=lambda _: {"pk": 1}, names_no_row=True)

ACCESS: dict[str, dict[str, Rule]] = {
    "login": {"GET": OPEN, "POST": ENTRANCE},
    "login/code": {"GET": ENTRANCE, "POST": ENTRANCE},
    "login/passkey": {"GET": OPEN, "POST": ENTRANCE},
    "logout": {"GET": ENTRANCE, "POST": ENTRANCE},
    "signup": {"GET": OPEN, "POST": ENTRANCE},
    "inactive": {"GET": OPEN},
    "verify-email": {"GET": OPEN},
    "verify-email/<str:key>": {
        "GET": replace(OPEN, make=a_verification_link),
        "POST": replace(ENTRANCE, make=a_verification_link),
    },
    "password/reset": {"GET": OPEN, "POST": ENTRANCE},
    "password/reset/done": {"GET": OPEN},
    "password/reset/key/done": {"GET": OPEN},
    "password/reset/key/<alphanumeric:uidb36>-<str:key>": {
        "GET": replace(ENTRANCE, make=a_reset_link),
        "POST": replace(ENTRANCE, make=a_reset_link),
    },
    "reauthenticate": {"GET": PAGE, "POST": PAGE},
    "reauthenticate/code": {"GET": PAGE, "POST": PAGE},
    "reauthenticate/passkey": {"GET": PAGE, "POST": PAGE},
    "email": {"GET": PAGE, "POST": PAGE},
    "password/change": {"GET": PAGE, "POST": PAGE},
    "password/set": {"GET": PAGE, "POST": PAGE},
    "profile": {"GET": PAGE, "POST": PAGE},
    "profile/sessions": {"GET": PAGE, "POST": PAGE},
    "profile/security": {"GET": PAGE},
    "profile/security/app/add": {"GET": PAGE, "POST": PAGE},
    "profile/security/app/remove": {"GET": PAGE, "POST": PAGE},
    "profile/security/recovery-codes": {"GET": PAGE},
    "profile/security/recovery-codes/new": {"GET": PAGE, "POST": PAGE},
    "profile/security/recovery-codes/download": {"GET": PAGE},
    "profile/security/passkeys": {"GET": PAGE},
    "profile/security/passkeys/add": {"GET": PAGE, "POST": PAGE},
    "profile/security/passkeys/<int:pk>/rename": {"GET": OWN_PASSKEY, "POST": OWN_PASSKEY},
    "profile/security/passkeys/<int:pk>/remove": {"GET": OWN_PASSKEY, "POST": OWN_PASSKEY},
    "": {"GET": OPEN},
    "theme": {"POST": Rule(is_open=True, is_form=True, body={"theme": "dark"})},
    "admin/": {"GET": OPERATORS},
    "health": {"GET": OPEN},
    "health/live": {"GET": OPEN},
    "health/ready": {"GET": OPEN},
    "openapi.json": {"GET": OPEN},
    "docs": {"GET": OPEN},
    "auth/signup": {"POST": SIGN_UP},
    "auth/login": {"POST": LOG_IN},
    "auth/logout": {"POST": ANY_KEY},
    "metrics": {"GET": ANALYTICS},
    "feedback": {"POST": Rule(Scope.INFER, body=_about_an_answer)},
    "analytics/recent-inferences": {"GET": ANALYTICS},
    "analytics/cache-performance": {"GET": ANALYTICS},
    "analytics/savings": {"GET": ANALYTICS},
    "models": {"GET": ANALYTICS},
    "cache/gates": {"GET": ANALYTICS},
    "cache/gates/reset": {"POST": Rule(Scope.ADMIN, body=_as_reset)},
    "cache/gates/<uuid:gate_id>": {"GET": replace(ANALYTICS, make=_gate)},
    "audit": {"GET": Rule(page=Right.READ_AUDIT)},
    "audit/export": {"GET": Rule(page=Right.READ_AUDIT)},
    "governance/audit": {"GET": Rule(Scope.ADMIN)},
    "governance/audit/export": {"GET": Rule(Scope.ADMIN)},
    "analytics/inferences/<uuid:event_id>/content": {"GET": Rule(Scope.ADMIN, make=_kept_content)},
    "cache/steps/invalidate": {"POST": Rule(Scope.ADMIN, body={"tags": ["doc:42"]})},
    "cache/entries": {"GET": Rule(Scope.ADMIN)},
    "cache/entries/purge": {"POST": Rule(Scope.ADMIN, body={"namespace": "default", "dry_run": True})},
    "cache/entries/export": {"GET": Rule(Scope.ADMIN)},
    "cache/entries/<uuid:entry_id>": {"GET": CACHE_ENTRY, "DELETE": CACHE_ENTRY},
    "cache/entries/<uuid:entry_id>/pin": {"POST": CACHE_ENTRY},
    "cache/entries/<uuid:entry_id>/unpin": {"POST": CACHE_ENTRY},
    "cache/entries/<uuid:entry_id>/mark-wrong": {"POST": CACHE_ENTRY},
    "cache": {"GET": Rule(page=Right.READ_ANALYTICS)},
    "cache/performance": {"GET": Rule(page=Right.READ_ANALYTICS)},
    "cache/similar/<uuid:gate_id>": {"GET": Rule(page=Right.READ_ANALYTICS, make=_gate)},
    "cache/similar/<uuid:gate_id>/begin-anew": {"GET": GATE_PAGE, "POST": GATE_PAGE},
    "cache/kept": {"GET": Rule(page=Right.READ_SETTINGS)},
    "cache/kept/<uuid:entry_id>": {"GET": ENTRY_PAGE},
    "cache/kept/<uuid:entry_id>/delete": {"GET": ENTRY_PAGE, "POST": ENTRY_PAGE},
    "cache/kept/<uuid:entry_id>/mark-wrong": {"GET": ENTRY_PAGE, "POST": ENTRY_PAGE},
    "cache/kept/<uuid:entry_id>/pin": {"POST": ENTRY_PAGE},
    "cache/kept/<uuid:entry_id>/unpin": {"POST": ENTRY_PAGE},
    "cache/purge": {"GET": CACHE_PAGE, "POST": replace(CACHE_PAGE, body={"namespace": "default"})},
    "cache/policies": {"GET": Rule(page=Right.READ_SETTINGS)},
    "cache/policy": {"GET": CACHE_PAGE, "POST": replace(CACHE_PAGE, body={"namespace": "drafts", "wall": "user"})},
    "cache/policy/remove": {"POST": replace(CACHE_PAGE, body=_cache_policy)},
    "governance/provider-credentials": {"GET": Rule(Scope.ADMIN)},
    "governance/provider-credentials/<str:provider>": {
        "PUT": replace(PROVIDER_KEYS, body={"api_key": "sk-of-the-caller"}, names_no_row=True),
        "DELETE": PROVIDER_KEYS,
    },
    "governance/provider-credentials/<str:provider>/test": {"POST": PROVIDER_KEYS},
    "settings/providers": {
        "GET": Rule(page=Right.MANAGE_PROVIDER_CREDENTIALS),
        "POST": Rule(
            page=Right.MANAGE_PROVIDER_CREDENTIALS, body={"provider": "openai", "api_key": "sk-of-the-caller"}
        ),
    },
    "settings/providers/<str:provider>/test": {"POST": PROVIDER_KEYS_PAGE},
    "settings/providers/<str:provider>/remove": {"GET": PROVIDER_KEYS_PAGE, "POST": PROVIDER_KEYS_PAGE},
    "governance/api-keys": {
        "GET": Rule(Scope.ADMIN),
        "POST": Rule(Scope.ADMIN, body={"name": "CI", "scopes": ["infer"]}),
    },
    "governance/api-keys/<uuid:key_id>": {
        "GET": Rule(Scope.ADMIN, make=an_api_key),
        "DELETE": Rule(Scope.ADMIN, make=an_api_key),
    },
    "governance/api-keys/<uuid:key_id>/roll": {"POST": Rule(Scope.ADMIN, make=an_api_key)},
    "keys": {"GET": Rule(page=Right.MANAGE_OWN_KEYS)},
    "keys/new": {
        "GET": Rule(page=Right.MANAGE_OWN_KEYS),
        "POST": Rule(page=Right.MANAGE_OWN_KEYS, body={"name": "CI", "scopes": ["infer"]}),
    },
    "keys/<uuid:key_id>/roll": {
        "GET": Rule(page=Right.MANAGE_OWN_KEYS, make=an_api_key),
        "POST": Rule(page=Right.MANAGE_OWN_KEYS, make=an_api_key, body={"overlap": "3600"}),
    },
    "keys/<uuid:key_id>/revoke": {
        "GET": Rule(page=Right.MANAGE_OWN_KEYS, make=an_api_key),
        "POST": Rule(page=Right.MANAGE_OWN_KEYS, make=an_api_key),
    },
    "getting-started": {"GET": PAGE, "POST": Rule(page=Right.MANAGE_OWN_KEYS)},
    "getting-started/first-request": {"GET": Rule(page=Right.READ_ANALYTICS)},
    "getting-started/send": {"POST": Rule(page=Right.CALL_MODELS)},
    "governance/members": {"GET": Rule(Scope.ADMIN)},
    "governance/members/<uuid:member_id>": {
        "PATCH": Rule(Scope.ADMIN, body={"role": "viewer"}, make=a_member),
        "DELETE": Rule(Scope.ADMIN, make=a_member),
    },
    "governance/ownership": {"POST": Rule(Scope.ADMIN, is_personal=True, body=as_heir)},
    "governance/invitations": {
        "GET": Rule(Scope.ADMIN),
        "POST": Rule(Scope.ADMIN, body={"email": "edsger@example.com", "role": "member"}),
    },
    "governance/invitations/<uuid:invitation_id>": {"DELETE": Rule(Scope.ADMIN, make=an_invitation)},
    "governance/invitations/<uuid:invitation_id>/resend": {"POST": Rule(Scope.ADMIN, make=an_invitation)},
    "governance/policies/routing": {"GET": Rule(Scope.ADMIN), "PUT": Rule(Scope.ADMIN, body={"explores": True})},
    "governance/policies/cache": {"GET": Rule(Scope.ADMIN)},
    "governance/policies/cache/<path:namespace>": {
        "GET": replace(CACHE_POLICY, names_no_row=True),
        "PUT": replace(CACHE_POLICY, body={"wall": "user"}, names_no_row=True),
        "DELETE": CACHE_POLICY,
    },
    "governance/policies": {"GET": Rule(Scope.ADMIN), "PATCH": Rule(Scope.ADMIN, body={"name": "Another name"})},
    "members": {
        "GET": Rule(page=Right.READ_MEMBERS),
        "POST": Rule(page=Right.MANAGE_MEMBERS, body={"email": "edsger@example.com", "role": "member"}),
    },
    "members/leave": {"GET": PAGE, "POST": PAGE},
    "members/<uuid:member_id>/role": {
        "POST": Rule(page=Right.MANAGE_MEMBERS, body={"role": "viewer"}, make=a_member),
    },
    "members/<uuid:member_id>/remove": {
        "GET": Rule(page=Right.MANAGE_MEMBERS, make=a_member),
        "POST": Rule(page=Right.MANAGE_MEMBERS, make=a_member),
    },
    "members/<uuid:member_id>/ownership": {
        "GET": Rule(page=Right.MANAGE_OWNERS, make=a_member),
        "POST": Rule(page=Right.MANAGE_OWNERS, make=a_member),
    },
    "members/invitations/<uuid:invitation_id>/resend": {"POST": Rule(page=Right.MANAGE_MEMBERS, make=an_invitation)},
    "members/invitations/<uuid:invitation_id>/revoke": {"POST": Rule(page=Right.MANAGE_MEMBERS, make=an_invitation)},
    # whoever has the link may look; accepting takes the account that it is for
    "invitations/<str:token>": {
        "GET": Rule(is_open=True, make=an_invitation_link),
        "POST": Rule(page=True, make=an_invitation_link),
    },
    "organizations/new": {"GET": PAGE, "POST": Rule(page=True, body={"name": "Another"})},
    "organizations/switch": {"GET": PAGE, "POST": Rule(page=True, body=as_choice)},
    "settings": {
        "GET": Rule(page=Right.READ_SETTINGS),
        "POST": Rule(page=Right.MANAGE_SETTINGS, body={"name": "Another name"}),
    },
    "settings/retention": {"POST": Rule(page=Right.MANAGE_SETTINGS, body={"content_retention_days": "7"})},
    "auth/account": {"GET": Rule(is_personal=True), "DELETE": Rule(is_personal=True)},
    "auth/account/export": {"GET": Rule(is_personal=True)},
    "profile/delete": {"GET": PAGE, "POST": Rule(page=True, body={"email": "somebody-else@example.com"})},
    "profile/export": {"GET": PAGE},
    "settings/delete-organization": {
        "GET": Rule(page=Right.DELETE_ORGANIZATION),
        "POST": Rule(page=Right.DELETE_ORGANIZATION, body={"slug": "ada-ltd"}),
    },
}
