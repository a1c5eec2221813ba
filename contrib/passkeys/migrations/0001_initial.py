"""The tables of the user handles and of the passkeys' states."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Credential",
            fields=[
                (
                    "digest",
                    models.CharField(
                        editable=False, max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("sign_count", models.PositiveBigIntegerField(default=0, editable=False)),
                (
                    "last_challenge",
                    models.CharField(blank=True, default="", editable=False, max_length=64),
                ),
            ],
            options={
                "verbose_name": "passkey state",
                "verbose_name_plural": "passkey states",
            },
        ),
        migrations.CreateModel(
            name="UserHandle",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("handle", models.CharField(editable=False, max_length=86, unique=True)),
                ("replaces_key", models.BooleanField(default=False, editable=False)),
            ],
            options={
                "verbose_name": "user handle",
                "verbose_name_plural": "user handles",
            },
        ),
    ]
