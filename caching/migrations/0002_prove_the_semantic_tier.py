import acron_site.lib.ids
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('caching', '0001_keep_policies'),
    ]

    operations = [
        migrations.CreateModel(
            name='SemanticGate',
            fields=[
                ('id', models.UUIDField(default=acron_site.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('namespace', models.CharField(max_length=128)),
                ('task_type', models.CharField(blank=True, max_length=64)),
                ('space', models.CharField(max_length=200)),
                ('likeness_version', models.CharField(max_length=64)),
                ('state', models.TextField(choices=[('shadow', 'shadow'), ('serving', 'serving'), ('off', 'off')], default='shadow')),
                ('threshold', models.FloatField(blank=True, null=True)),
                ('tolerance', models.FloatField()),
                ('sample_rate', models.FloatField(default=1.0)),
                ('reason', models.TextField(blank=True)),
                ('checked', models.IntegerField(default=0)),
                ('wrong', models.IntegerField(default=0)),
                ('upper_bound', models.FloatField(default=1.0)),
                ('needed', models.IntegerField(default=0)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('fresh_after', models.DateTimeField(blank=True, null=True)),
                ('off_until', models.DateTimeField(blank=True, null=True)),
                ('calibrated_at', models.DateTimeField(blank=True, null=True)),
                ('history', models.JSONField(blank=True, default=list)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'all_organizations',
                'default_manager_name': 'all_organizations',
            },
            managers=[
                ('all_organizations', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='SemanticCheck',
            fields=[
                ('id', models.UUIDField(default=acron_site.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('score', models.FloatField()),
                ('similarity', models.FloatField()),
                ('agrees', models.BooleanField()),
                ('method', models.CharField(max_length=32)),
                ('source', models.TextField(choices=[('shadow', 'shadow'), ('sampled', 'sampled'), ('feedback', 'feedback')])),
                ('sample_rate', models.FloatField(default=1.0)),
                ('neighbour_id', models.UUIDField()),
                ('request_id', models.CharField(max_length=128)),
                ('occurred_at', models.DateTimeField()),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('gate', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='caching.semanticgate')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'all_organizations',
                'default_manager_name': 'all_organizations',
            },
            managers=[
                ('all_organizations', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddConstraint(
            model_name='semanticgate',
            constraint=models.UniqueConstraint(fields=('organization', 'namespace', 'task_type', 'space', 'likeness_version'), name='gate_is_one_of_its_kind'),
        ),
        migrations.AddConstraint(
            model_name='semanticgate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'serving'), _negated=True), ('threshold__isnull', False), _connector='OR'), name='gate_serves_from_a_threshold'),
        ),
        migrations.AddIndex(
            model_name='semanticcheck',
            index=models.Index(fields=['gate', 'occurred_at'], name='check_by_age'),
        ),
    ]
