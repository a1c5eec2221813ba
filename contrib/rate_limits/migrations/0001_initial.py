from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import migrations, models


def _do_not_log(apps: Any, schema_editor: Any) -> None:
    # Every request writes a row, and after a crash the counters may begin again: PostgreSQL need not log them.
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE matt_rate_limits_ratelimitstate SET UNLOGGED")


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[Sequence[tuple[str, str]]] = []

    operations = [
        migrations.CreateModel(
            name="RateLimitState",
            fields=[
                ("key", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("tat", models.FloatField()),
            ],
            options={"verbose_name": "rate limit"},
        ),
        migrations.RunPython(_do_not_log, migrations.RunPython.noop),
    ]
