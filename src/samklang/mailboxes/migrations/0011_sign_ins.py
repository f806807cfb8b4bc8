from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailboxes", "0010_consent"),
    ]

    operations = [
        migrations.CreateModel(
            "SignIn",
            [
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("credential", models.CharField(max_length=64)),
                ("code", models.CharField(max_length=64)),
                ("detail", models.CharField(blank=True, max_length=200)),
                ("tries", models.IntegerField(default=1)),
                ("until", models.DateTimeField()),
            ],
        ),
    ]
