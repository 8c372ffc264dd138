from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_key_families")]

    operations = [
        migrations.AddField(
            model_name="providercredential",
            name="base_url",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
    ]
