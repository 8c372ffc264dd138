from django.db import migrations, models

# keys that were rolled before families were kept
FORWARD = """
WITH RECURSIVE chain AS (
    SELECT id, id AS first FROM accounts_apikey WHERE rolled_from_id IS NULL
    UNION ALL
    SELECT following.id, chain.first
    FROM accounts_apikey following JOIN chain ON following.rolled_from_id = chain.id
)
UPDATE accounts_apikey SET family_id = chain.first
FROM chain WHERE chain.id = accounts_apikey.id AND chain.id <> chain.first;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_append_only_audit")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="family_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
    ]
