"""API keys, as they are kept."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models.people import User
from accounts.principal import KeyRules
from accounts.scopes import Scope
from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7


class KeyPurpose(models.TextChoices):
    """Why a key was made: by hand, by signing up, by a log-in, or by one start of the local demonstration."""

    STANDARD = "standard"
    SIGN_UP = "sign_up"
    LOGIN = "login"
    RUN = "run"


class KeyMode(models.TextChoices):
    """`test` keys are answered by the mock provider, at no cost."""

    LIVE = "live"
    TEST = "test"


class ApiKey(OrganizationScopedModel):
    """An API key: its public part, and a digest that proves the rest. The key itself is never stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=100)
    purpose = models.CharField(max_length=16, choices=KeyPurpose.choices, default=KeyPurpose.STANDARD)
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.BinaryField(max_length=32)
    pepper_id = models.SmallIntegerField()
    scopes = ArrayField(models.CharField(max_length=16, choices=[(scope.value, scope.value) for scope in Scope]))
    mode = models.CharField(max_length=8, choices=KeyMode.choices, default=KeyMode.LIVE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_address = models.GenericIPAddressField(null=True, blank=True)
    allowed_networks = ArrayField(models.CharField(max_length=64), default=list, blank=True, db_default=[])
    allowed_models = ArrayField(models.CharField(max_length=200), default=list, blank=True, db_default=[])
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    monthly_budget_usd = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    rolled_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # the first key of a chain of rolled ones: they share its budget and its limits; null for that one itself
    family_id = models.UUIDField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(OrganizationScopedModel.Meta):
        indexes = [models.Index(fields=["organization", "created_at"], name="api_key_by_organization")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=[scope.value for scope in Scope]),
                name="api_key_scopes_are_known",
            ),
            models.CheckConstraint(condition=models.Q(scopes__len__gt=0), name="api_key_has_a_scope"),
            models.CheckConstraint(condition=models.Q(mode__in=KeyMode.values), name="api_key_mode_is_known"),
            models.CheckConstraint(condition=models.Q(purpose__in=KeyPurpose.values), name="api_key_purpose_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.beginning}...)"

    @property
    def beginning(self) -> str:
        """The public part of the key, as it may be shown."""
        return f"ak_{self.mode}_{self.prefix}"

    @property
    def rules(self) -> KeyRules:
        return KeyRules(
            networks=tuple(self.allowed_networks),
            models=frozenset(self.allowed_models),
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            monthly_budget_usd=self.monthly_budget_usd,
        )
