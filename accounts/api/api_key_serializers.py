"""What the addresses of API keys take and give."""

from typing import Any

from django.db import models
from rest_framework import serializers

from accounts.key_rules import LONGEST_OVERLAP, MOST_MODELS
from accounts.models import KeyMode, KeyPurpose
from accounts.networks import MOST_NETWORKS
from accounts.principal import KeyRules
from accounts.scopes import Scope
from accounts.selectors_api_keys import KeyState, ListedKey
from accounts.services.api_keys import DEFAULT_OVERLAP
from acron_site.lib import money

_SCOPES = [scope.value for scope in Scope]
_LONGEST_TEXT = 200


class StrictSerializer(serializers.Serializer[models.Model]):
    """Refuses fields it does not know: a mistyped limit would else make a key without one."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError({unknown[0]: [f"there is no such field; known are: {known}"]})
        return super().to_internal_value(data)


class _RulesSerializer(StrictSerializer):
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=_LONGEST_TEXT),
        required=False,
        default=list,
        help_text=f"CIDR notation or single addresses, {MOST_NETWORKS} at most; empty: from everywhere",
    )
    allowed_models = serializers.ListField(
        child=serializers.CharField(max_length=_LONGEST_TEXT),
        required=False,
        default=list,
        help_text=f"names from GET /models, {MOST_MODELS} at most; empty: all",
    )
    requests_per_minute = serializers.IntegerField(required=False, allow_null=True, default=None)
    tokens_per_minute = serializers.IntegerField(required=False, allow_null=True, default=None)
    monthly_budget_usd = serializers.DecimalField(
        required=False, allow_null=True, default=None, max_digits=14, decimal_places=4, help_text="USD, exact"
    )


class NewApiKeySerializer(_RulesSerializer):
    name = serializers.CharField(max_length=_LONGEST_TEXT)
    scopes = serializers.ListField(child=serializers.ChoiceField(_SCOPES), allow_empty=False)
    mode = serializers.ChoiceField(KeyMode.choices, required=False, default=KeyMode.LIVE)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class RollSerializer(StrictSerializer):
    overlap_seconds = serializers.IntegerField(
        required=False,
        default=int(DEFAULT_OVERLAP.total_seconds()),
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds()),
        help_text="how long the old key goes on working",
    )


class ApiKeySerializer(serializers.Serializer[models.Model]):
    """Describes what `document` gives."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="the public part: ak_live_ or ak_test_ and eight characters")
    mode = serializers.ChoiceField(KeyMode.choices)
    purpose = serializers.ChoiceField(KeyPurpose.choices)
    state = serializers.ChoiceField([state.value for state in KeyState])
    scopes = serializers.ListField(child=serializers.ChoiceField(_SCOPES))
    owner_id = serializers.UUIDField(allow_null=True)
    owner = serializers.EmailField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="to the minute")
    last_used_address = serializers.IPAddressField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    rolled_from = serializers.UUIDField(allow_null=True)
    allowed_networks = serializers.ListField(child=serializers.CharField())
    allowed_models = serializers.ListField(child=serializers.CharField())
    requests_per_minute = serializers.IntegerField(allow_null=True)
    tokens_per_minute = serializers.IntegerField(allow_null=True)
    monthly_budget_usd = serializers.CharField(allow_null=True, help_text="USD, exact")


class IssuedApiKeySerializer(ApiKeySerializer):
    api_key = serializers.CharField(help_text="shown once; keep it like a password")


class ApiKeyPartSerializer(serializers.Serializer[models.Model]):
    data = ApiKeySerializer(many=True)  # type: ignore[assignment]  # the list is called so everywhere
    has_more = serializers.BooleanField()
    next = serializers.UUIDField(allow_null=True)


def rules_of(fields: dict[str, Any]) -> KeyRules:
    return KeyRules(
        networks=tuple(fields["allowed_networks"]),
        models=frozenset(fields["allowed_models"]),
        requests_per_minute=fields["requests_per_minute"],
        tokens_per_minute=fields["tokens_per_minute"],
        monthly_budget_usd=fields["monthly_budget_usd"],
    )


def document(key: ListedKey) -> dict[str, Any]:
    rules = key.rules
    return {
        "id": str(key.id),
        "name": key.name,
        "prefix": key.beginning,
        "mode": key.mode.value,
        "purpose": key.purpose.value,
        "state": key.state.value,
        "scopes": list(key.scopes),
        "owner_id": str(key.owner_id) if key.owner_id else None,
        "owner": key.owner_email or None,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "last_used_address": key.last_used_address,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "rolled_from": str(key.rolled_from) if key.rolled_from else None,
        "allowed_networks": list(rules.networks),
        "allowed_models": sorted(rules.models),
        "requests_per_minute": rules.requests_per_minute,
        "tokens_per_minute": rules.tokens_per_minute,
        "monthly_budget_usd": None if rules.monthly_budget_usd is None else money.to_text(rules.monthly_budget_usd),
    }
