from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailboxes", "0007_accepted_actions"),
    ]

    operations = [
        migrations.RenameField("mailbox", "leaving", "errand"),
        migrations.AlterField("mailbox", "errand", models.CharField(blank=True, max_length=32)),
        migrations.RenameField("mailbox", "left_behind", "errand_result"),
    ]
