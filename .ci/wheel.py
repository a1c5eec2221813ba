"""Try an installed wheel: its encoders are the expected ones, and it answers a request. `python wheel.py compiled|plain`."""

import importlib
import sys
import types

from django.conf import settings

settings.configure(
    SECRET_KEY="only-for-this-test" * 3,
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF="urls",
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "ninja_extra",
        "django_matt",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)

import django  # noqa: E402 - they need the settings

django.setup()

from django.contrib.auth.models import Group  # noqa: E402 - they need the settings
from django.core.management import call_command  # noqa: E402 - they need the settings
from django.test import Client  # noqa: E402 - they need the settings
from django.urls import path  # noqa: E402 - they need the settings

from django_matt import MattAPI, ModelSchema, __version__  # noqa: E402 - they need the settings

COMPILED = ("django_matt.serialization._encoder_c", "django_matt.rows._rows_c")


class GroupOut(ModelSchema):
    """A group."""

    class Meta:
        """Its columns."""

        model = Group
        fields = ["id", "name"]


api = MattAPI()


@api.get("/groups", response=list[GroupOut])
def list_groups(request):
    """List the groups."""
    return Group.objects.order_by("id")


def is_there(name: str) -> bool:
    """Return whether a module can be imported."""
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def main() -> None:
    """Check the encoders, and send requests."""
    wanted = sys.argv[1] == "compiled"
    found = [is_there(name) for name in COMPILED]
    if found != [wanted, wanted]:
        sys.exit(
            f"wanted {sys.argv[1]} modules, and found {dict(zip(COMPILED, found, strict=True))}"
        )
    urls = types.ModuleType("urls")
    urls.urlpatterns = [path("api/", api.urls)]
    sys.modules["urls"] = urls
    call_command("migrate", verbosity=0)
    Group.objects.create(id=1, name="makers")
    client = Client()
    answer = client.get("/api/groups")
    if (answer.status_code, answer.content) != (200, b'[{"id":1,"name":"makers"}]'):
        sys.exit(f"{answer.status_code}: {answer.content!r}")
    for url, text in (("/api/openapi.json", b"list_groups"), ("/api/docs", b"<html")):
        if text not in client.get(url).content:
            sys.exit(f"{url} is without {text!r}")
    print(
        f"django_matt {__version__} ({sys.argv[1]}), Django {django.__version__}, Python {sys.version.split()[0]}: fine"
    )


main()
