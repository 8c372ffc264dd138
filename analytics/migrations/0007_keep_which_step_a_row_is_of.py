from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0006_keep_how_alike_a_hit_is'),
    ]

    operations = [
        migrations.AddField(
            model_name='inferenceevent',
            name='step_id',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
    ]
