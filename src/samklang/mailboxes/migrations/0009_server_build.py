from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailboxes", "0008_errands"),
    ]

    operations = [
        migrations.AddField("connection", "server_build", models.CharField(blank=True, max_length=32)),
    ]
