from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailboxes", "0011_sign_ins"),
    ]

    operations = [
        migrations.AddField("connection", "proxy", models.CharField(blank=True, max_length=500)),
        migrations.AddField("connection", "proxy_username", models.CharField(blank=True, max_length=256)),
        migrations.AddField("connection", "proxy_password", models.TextField(blank=True)),
    ]
