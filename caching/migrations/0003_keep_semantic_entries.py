import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
import pgvector.django.halfvec
from django.db import migrations, models


_LAYOUT = """
-- a comparison reads vectors and hardly anything else: they stay in the row, what is long and sealed (and so cannot be
-- compressed) moves out of it
ALTER TABLE caching_semanticentry
    ALTER COLUMN embedding SET STORAGE MAIN,
    ALTER COLUMN question SET STORAGE EXTERNAL,
    ALTER COLUMN answer SET STORAGE EXTERNAL,
    SET (toast_tuple_target = 1200, fillfactor = 95);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('caching', '0002_prove_the_semantic_tier'),
    ]

    operations = [
        # stays when this is taken back: the database may have it for others too
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS vector", migrations.RunSQL.noop),
        migrations.CreateModel(
            name='SemanticEntry',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('namespace', models.TextField()),
                ('partition', models.BinaryField()),
                ('fingerprint', models.BinaryField()),
                ('space', models.TextField()),
                ('embedding', pgvector.django.halfvec.HalfVectorField(blank=True, null=True)),
                ('question', models.BinaryField()),
                ('answer', models.BinaryField()),
                ('model', models.TextField(blank=True, db_default='', default='')),
                ('provider', models.TextField(blank=True, db_default='', default='')),
                ('task_type', models.TextField(blank=True, db_default='', default='')),
                ('tags', models.JSONField(blank=True, db_default={}, default=dict)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('hits', models.IntegerField(db_default=0, default=0)),
                ('last_hit_at', models.DateTimeField(blank=True, null=True)),
                ('is_pinned', models.BooleanField(db_default=False, default=False)),
                ('marked_wrong_at', models.DateTimeField(blank=True, null=True)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'verbose_name_plural': 'semantic entries',
                'abstract': False,
                'base_manager_name': 'all_organizations',
                'default_manager_name': 'all_organizations',
                'indexes': [models.Index(fields=['organization', 'namespace', 'partition', 'space'], name='semantic_by_partition'), models.Index(condition=models.Q(('is_pinned', False)), fields=['expires_at'], name='semantic_by_end'), models.Index(fields=['space'], name='semantic_by_space')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'namespace', 'fingerprint', 'space'), name='semantic_request_is_kept_once')],
            },
            managers=[
                ('all_organizations', django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL(_LAYOUT, migrations.RunSQL.noop),
    ]
