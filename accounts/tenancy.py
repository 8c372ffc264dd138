"""Whose row it is: tables that can only be read by naming an organization."""

from typing import Any, ClassVar, NoReturn, TypeVar
from uuid import UUID

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class TenancyError(RuntimeError):
    """Code asked for tenant rows without saying whose. A mistake of ours, never of the caller."""


class OrganizationManager(models.Manager[Row]):
    """Offers `.for_organization(id)` and nothing else; every other road raises TenancyError."""

    def for_organization(self, organization_id: UUID) -> models.QuerySet[Row]:
        # fails closed: None would otherwise become `IS NULL`
        if not isinstance(organization_id, UUID):
            raise TenancyError(f"for_organization needs an organization's UUID, not {organization_id!r}")
        return super().get_queryset().filter(organization_id=organization_id)

    def get_queryset(self) -> NoReturn:
        raise TenancyError(
            f"{self.model.__name__}.objects needs to know whose rows: write "
            f"{self.model.__name__}.objects.for_organization(organization_id)"
        )

    def raw(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TenancyError(f"{self.model.__name__}.objects.raw() cannot be scoped to an organization")


class OrganizationScopedModel(models.Model):
    """Base of every table that belongs to an organization.

    `all_organizations` is declared first and named as Django's own manager, for cascades, constraints and the
    admin. Our code may use it only where all organizations are meant: admin, tasks, ledger, management, migrations.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")

    all_organizations: ClassVar[models.Manager[Any]] = models.Manager()
    objects: ClassVar[OrganizationManager[Any]] = OrganizationManager()

    class Meta:
        abstract = True
        base_manager_name = "all_organizations"
        default_manager_name = "all_organizations"
