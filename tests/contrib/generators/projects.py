"""A project with models of every shape, that source is generated into."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.cli.projects import SETTINGS, SmallProject, make_project

__all__ = ["MODELS", "NAMES", "RUN_ALL", "make_shapes_project", "run_all"]

RUN_ALL = """
import io, json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
sys.path.insert(0, ".")
import django
django.setup()
from django.core.management import CommandError, call_command
said = []
for arguments in json.loads(sys.stdin.read()):
    output = io.StringIO()
    try:
        call_command(*arguments, stdout=output)
    except CommandError as error:
        said.append(f"refused: {error}")
    else:
        said.append(output.getvalue())
sys.stdout.write(json.dumps(said))
"""

NAMES = [
    *(
        "Tag",
        "Writer",
        "Book",
        "Blurb",
        "Review",
        "Everything",
        "Keyed",
        "Note",
        "Stamped",
        "Receipt",
    ),
    *("Land", "Town", "Crate", "Edition", "Straße", "Secret", "Moment", "Person"),
]
MODELS = """\
import datetime
import uuid
from decimal import Decimal

from django.db import models
from django.db.models.functions import Upper


class Colour(models.TextChoices):
    RED = "red", "Red"
    BLUE = "blue", "Blue"


class Level(models.IntegerChoices):
    LOW = 1, "Low"
    HIGH = 2, "High"


class Tag(models.Model):
    name = models.CharField(max_length=40, unique=True)


class Writer(models.Model):
    name = models.CharField(max_length=80)
    boss = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="staff")


class Book(models.Model):
    title = models.CharField(max_length=120, help_text='The "short" title, it\\'s said')
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("1.00"))
    author = models.ForeignKey(Writer, models.CASCADE, related_name="books")
    editor = models.ForeignKey(Writer, models.SET_NULL, null=True, blank=True, related_name="edited")
    tags = models.ManyToManyField(Tag, related_name="books", blank=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class Blurb(models.Model):
    book = models.OneToOneField(Book, models.CASCADE, related_name="blurb")
    text = models.TextField(max_length=200)


class Review(Blurb):
    stars = models.SmallIntegerField(default=3)
    critic = models.ForeignKey(Writer, models.CASCADE, null=True, related_name="reviews")
    readers = models.ManyToManyField(Writer, related_name="read")


class Everything(models.Model):
    big = models.BigIntegerField(default=0)
    binary = models.BinaryField(default=b"")
    boolean = models.BooleanField(default=False)
    maybe = models.BooleanField(null=True, blank=True)
    char = models.CharField(max_length=50, default="")
    date = models.DateField(default=datetime.date(2024, 2, 29))
    moment = models.DateTimeField(default=datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC))
    decimal = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal("0"))
    duration = models.DurationField(default=datetime.timedelta)
    email = models.EmailField(default="a@example.org")
    file = models.FileField(upload_to="files", blank=True)
    image = models.FileField(upload_to="images", blank=True)
    path = models.FilePathField(path="/", default="", blank=True)
    float = models.FloatField(default=0.0)
    address = models.GenericIPAddressField(default="127.0.0.1")
    integer = models.IntegerField(default=0)
    document = models.JSONField(default=dict)
    positive_big = models.PositiveBigIntegerField(default=0)
    positive = models.PositiveIntegerField(default=0)
    positive_small = models.PositiveSmallIntegerField(default=0)
    slug = models.SlugField(default="")
    small = models.SmallIntegerField(default=0)
    text = models.TextField(default="")
    time = models.TimeField(default=datetime.time(12, 30))
    url = models.URLField(default="https://example.org")
    uuid = models.UUIDField(default=uuid.uuid4)
    colour = models.CharField(max_length=10, choices=Colour.choices, default=Colour.RED)
    level = models.IntegerField(choices=Level.choices, default=Level.LOW)
    author = models.ForeignKey(Writer, models.SET_NULL, null=True, related_name="+")
    tags = models.ManyToManyField(Tag, related_name="+")


class Keyed(models.Model):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    note = models.TextField(null=True)


class Note(models.Model):
    keyed = models.ForeignKey(Keyed, models.CASCADE, related_name="notes")
    text = models.TextField()


class Stamped(models.Model):
    title = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    extra = models.JSONField(null=True, blank=True)
    made = models.DateTimeField(auto_now_add=True)
    day = models.DateField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)


class Receipt(models.Model):
    number = models.IntegerField(default=2)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("1.50"))
    text = models.CharField(max_length=20, default="ten")
    total = models.GeneratedField(
        expression=models.F("number") * models.F("price"),
        output_field=models.DecimalField(max_digits=12, decimal_places=2),
        db_persist=True,
    )
    upper = models.GeneratedField(
        expression=Upper("text"), output_field=models.CharField(max_length=20), db_persist=True
    )


class Land(models.Model):
    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=20)


class Town(models.Model):
    land = models.ForeignKey(Land, models.CASCADE, related_name="towns")
    name = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["land", "name"], name="one_town")]


class Depot(models.Model):
    code = models.CharField(max_length=20, unique=True)
    number = models.UUIDField(unique=True, default=uuid.uuid4)


class Crate(models.Model):
    depot = models.ForeignKey(Depot, models.CASCADE, to_field="code", related_name="crates")
    last = models.ForeignKey(
        Depot, models.SET_NULL, to_field="number", null=True, blank=True, related_name="+"
    )


class Edition(models.Model):
    isbn = models.CharField(max_length=13, unique=True)
    title = models.CharField(max_length=20)
    volume = models.SmallIntegerField(default=1)
    pages = models.IntegerField(null=True, blank=True)
    author = models.ForeignKey(Writer, models.CASCADE, related_name="+")
    printed = models.DateTimeField()
    takes = models.DurationField()
    weight = models.FloatField()
    level = models.IntegerField(choices=Level.choices)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["author", "title", "volume"], name="one_volume"),
            models.CheckConstraint(condition=models.Q(pages__gt=0), name="pages_are_positive"),
        ]


class Straße(models.Model):
    name = models.CharField("Straßenname «groß»", max_length=40, help_text="Wie <heißt> sie?")
    länge = models.IntegerField("Länge & Breite", default=1)

    class Meta:
        verbose_name = "Straße"
        verbose_name_plural = "Straßen"


class Secret(models.Model):
    name = models.CharField(max_length=20)
    password = models.CharField(max_length=20, default="")
    level = models.IntegerField(choices=Level.choices, default=Level.LOW)


class Named(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        abstract = True


class Moment(Named):
    datetime = models.DateTimeField(null=True)
    day = models.DateField()
    at = models.TimeField(null=True)


class People(models.Manager["Person"]):
    pass


class Person(Named):
    email = models.EmailField(unique=True)
    site = models.URLField(blank=True)
    everybody = People()


class Proxy(Person):
    class Meta:
        proxy = True


class Foreign(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        managed = False


class Seat(models.Model):
    pk = models.CompositePrimaryKey("row", "number")
    row = models.IntegerField()
    number = models.IntegerField()
"""


def run_all(project: SmallProject, commands: Iterable[Sequence[str]]) -> list[str]:
    """Run commands of `manage.py` in one process, as starting Django is most of the time, and return what each said."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL],
        cwd=project.folder,
        env=project.variables,
        input=json.dumps([list(each) for each in commands]),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def make_shapes_project(folder: Path, *apps: str) -> SmallProject:
    """Write the project; its app is called ``shapes``, and each of ``apps`` has the same models."""
    project = make_project(folder)
    names = ("shapes", *apps)
    listed = ", ".join(f'"{name}"' for name in names)
    installed = (
        f'"django_matt", "django_matt.contrib.crud", "django_matt.contrib.generators", {listed},'
    )
    project.write(
        "config/settings.py",
        SETTINGS.replace('"django_matt", "notes",', installed)
        .replace(
            "INSTALLED_APPS = [",
            'USE_TZ = True\nMIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",\n'
            '    "django.contrib.auth.middleware.AuthenticationMiddleware",\n'
            '    "django.contrib.messages.middleware.MessageMiddleware"]\n'
            'INSTALLED_APPS = [\n    "django.contrib.sessions", "django.contrib.messages",',
        )
        .replace(
            '"APP_DIRS": True}',
            '"APP_DIRS": True, "OPTIONS": {"context_processors": [\n'
            '    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",\n'
            '    "django.contrib.messages.context_processors.messages"]}}',
        ),
    )
    # Its own, so that no settings of a folder above it count.
    project.write("pyproject.toml", '[tool.ruff.lint]\nextend-select = ["I"]\n')
    for name in names:
        project.write(f"{name}/__init__.py", "")
        # The names of constraints are those of a whole database.
        models = MODELS
        for constraint in ("one_town", "one_volume", "pages_are_positive"):
            models = models.replace(f'name="{constraint}"', f'name="{name}_{constraint}"')
        project.write(f"{name}/models.py", models)
        project.write(f"{name}/migrations/__init__.py", "")
    return project
