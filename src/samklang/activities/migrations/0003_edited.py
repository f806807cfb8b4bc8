from django.db import migrations, models


def as_modified(apps, schema_editor):
    apps.get_model("activities", "Activity").objects.update(edited=models.F("modified"))


class Migration(migrations.Migration):
    dependencies = [("activities", "0002_people")]

    operations = [
        migrations.AddField("activity", "edited", models.DateTimeField(null=True)),
        migrations.RunPython(as_modified, migrations.RunPython.noop, elidable=True),
        migrations.AlterField("activity", "edited", models.DateTimeField()),
    ]
