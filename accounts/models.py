"""People, organisations, who belongs where, API keys."""

import unicodedata
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.principal import Scope
from accounts.roles import Role
from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.ids import uuid7


def normalised_email(email: str) -> str:
    """The one spelling under which an e-mail address is kept and found."""
    return unicodedata.normalize("NFC", email.strip()).lower()


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=normalised_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=normalised_email(email or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail. People stand outside organisations and belong to them by membership."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)  # Django's log-in asks for `unique`; the constraint below ignores case
    full_name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_ignoring_case"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.email = normalised_email(self.email)


class Organization(models.Model):
    """A tenant: everything else belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Membership(OrganizationScopedModel):
    """A person's place in an organisation."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=[(role.value, role.name.title()) for role in Role])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(OrganizationScopedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once_per_organization"),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.organization_id}"


class KeyPurpose(models.TextChoices):
    """Why a key was made: by hand, by a log-in, or by one start of the local demonstration."""

    STANDARD = "standard"
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
        return f"{self.name} (ak_{self.mode}_{self.prefix}...)"
