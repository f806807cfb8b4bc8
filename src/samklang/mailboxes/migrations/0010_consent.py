import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("mailboxes", "0009_server_build"),
    ]

    operations = [
        migrations.CreateModel(
            "Consent",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", models.CharField(max_length=256)),
                ("by_operator", models.BooleanField(default=False)),
                ("scoped", models.BooleanField(default=False)),
                ("proved", models.BooleanField(default=False)),
                ("since", models.DateTimeField()),
                ("tries", models.IntegerField(default=0)),
                ("next_try", models.DateTimeField(null=True)),
                ("verified", models.BooleanField(default=False)),
                ("code", models.CharField(blank=True, max_length=64)),
                ("detail", models.CharField(blank=True, max_length=200)),
                ("permissions", models.JSONField(default=list)),
                ("missing", models.JSONField(default=list)),
                ("found", models.JSONField(default=dict)),
                (
                    "by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="consent", to="mailboxes.connection"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["next_try"], name="consent_due")]},
        ),
    ]
