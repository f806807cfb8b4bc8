from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailboxes", "0012_proxy"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="whole_delta",
            field=models.CharField(blank=True, max_length=8),
        ),
    ]
