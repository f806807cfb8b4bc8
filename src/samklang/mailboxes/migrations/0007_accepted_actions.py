from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailboxes", "0006_series"),
    ]

    operations = [
        migrations.AddField(
            model_name="mailbox",
            name="accepted_actions",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
