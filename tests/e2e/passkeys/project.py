"""A project with allauth.headless, the passkeys, and the page of docs/sign-in/passkeys.md.

``PASSKEYS_PORT`` is its port on localhost, ``PASSKEYS_FOLDER`` where its database is. Mails go to the output.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

TREE = Path(__file__).resolve().parents[3]
FOLDER, PORT = Path(os.environ["PASSKEYS_FOLDER"]), os.environ["PASSKEYS_PORT"]
PAGE = (TREE / "docs" / "sign-in" / "passkeys.md").read_text()
POLICY = "default-src 'self'; frame-ancestors 'none'"


def block(title: str) -> str:
    """Return a block of the page of the documentation."""
    found = re.search(rf'^```\w+ title="{re.escape(title)}"\n(.*?)^```$', PAGE, re.M | re.S)
    assert found, title
    return found[1]


def documented_settings() -> dict[str, Any]:
    """Return the settings that the page tells its readers to write."""
    names: dict[str, Any] = {}
    exec(block("settings.py"), names)
    return {name: value for name, value in names.items() if name.isupper()}


if not settings.configured:
    (FOLDER / "static").mkdir(exist_ok=True)
    (FOLDER / "static" / "sign-in.js").write_text(block("sign-in.js"))
    given = documented_settings()
    console = "django.core.mail.backends.console.EmailBackend"
    if django.VERSION >= (6, 1):
        given["MAILERS"] = {"default": {"BACKEND": console}}
    else:
        given["EMAIL_BACKEND"] = console
    given["MATT_PASSKEYS"] |= {"ORIGINS": [f"http://localhost:{PORT}"]}
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=__name__,
        STATIC_URL="/static/",
        STATICFILES_DIRS=[FOLDER / "static"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": FOLDER / "db.sqlite3",
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
            }
        },
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        ACCOUNT_RATE_LIMITS=False,
        MFA_RATE_LIMITS=False,
        USE_TZ=True,
        **given,
    )
    django.setup()

from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402

from django_matt import MattAPI  # noqa: E402

api = MattAPI(extensions=["matt_passkeys"])


def page(request):
    return HttpResponse(block("sign-in.html"), headers={"Content-Security-Policy": POLICY})


urlpatterns = [
    path("", page),
    path("_allauth/", include("allauth.headless.urls")),
    path("api/", api.urls),
]

if __name__ == "__main__":
    # The module of the URLs is imported once more, by its name.
    sys.modules[settings.ROOT_URLCONF] = sys.modules["__main__"]
    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)
    call_command(
        "runserver", f"localhost:{PORT}", use_reloader=False, insecure_serving=True, use_ipv6=False
    )
