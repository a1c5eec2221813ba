from django.db import migrations

from django_matt.contrib.search.operations import AddSearchIndex


class Migration(migrations.Migration):
    dependencies = [("shelf", "0001_initial")]
    operations = [
        AddSearchIndex(
            "Book",
            words={"title": "A", "body": "B"},
            filters=["language", "shelf", "owner"],
            dimensions=32,
        ),
        AddSearchIndex("Note", words={"text": "A"}, dimensions=32),
        AddSearchIndex("Section", words={"title": "A", "text": "B"}),
    ]
