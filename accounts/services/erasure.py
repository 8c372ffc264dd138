"""Erasing an organisation: all that is kept of it, everywhere."""

from django.db import connection, transaction

from accounts.models import Organization


@transaction.atomic
def erase_organization(organization: Organization) -> None:
    """Removes the organisation with all its rows, its audit log too."""
    with connection.cursor() as cursor:
        # the audit log's trigger lets an organisation's chain go only as a whole, and only in this transaction
        cursor.execute("SELECT set_config('acron.erasing', %s, true)", [str(organization.pk)])
    organization.delete()
