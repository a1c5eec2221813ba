from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("planted", "0001_shelf")]
    operations = [
        migrations.AddField("shelf", "width", models.IntegerField(null=True)),
        migrations.AddIndex("shelf", models.Index(fields=["width"], name="shelf_width")),
    ]
