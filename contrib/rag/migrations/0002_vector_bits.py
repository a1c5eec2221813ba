"""Vectors get the tenant of their chunk, and their bits, which are compared first."""

from typing import Any

from django.db import migrations, models

from django_matt.contrib.rag.numbers import pack_bits


def fill(apps: Any, schema_editor: Any) -> None:
    """Give the vectors that there are what new ones get."""
    vectors = apps.get_model("matt_rag", "Vector").objects.using(schema_editor.connection.alias)
    last = 0
    while rows := list(vectors.filter(pk__gt=last).select_related("chunk").order_by("pk")[:500]):
        for row in rows:
            row.tenant, row.bits = row.chunk.tenant, pack_bits(bytes(row.data))
        vectors.bulk_update(rows, ["tenant", "bits"])
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("matt_rag", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="vector",
            name="tenant",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
        migrations.AddField(
            model_name="vector",
            name="bits",
            field=models.BinaryField(default=b""),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="vector",
            index=models.Index(
                fields=["embedding_set", "tenant", "chunk", "bits"], name="matt_rag_vector_bits"
            ),
        ),
    ]
