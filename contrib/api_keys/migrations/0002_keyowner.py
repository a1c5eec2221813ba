from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matt_api_keys", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeyOwner",
            fields=[
                (
                    "name",
                    models.CharField(
                        editable=False, max_length=255, primary_key=True, serialize=False
                    ),
                ),
                ("last_key_at", models.DateTimeField(editable=False)),
            ],
        ),
    ]
