"""The front end in a browser: the test of front/, against this Django. `make front` builds what it opens."""

{% if cookiecutter.__passkey -%}
import json
{% endif -%}
import os
{%- if cookiecutter.__ssr %}
import re
{%- endif %}
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
{%- if cookiecutter.__postgresql %}
from urllib.parse import urlsplit
{%- endif %}

import pytest
from allauth.account.models import EmailAddress
from django.conf import LazySettings, global_settings, settings
from django.db import connection
from django.test import Client
{%- if cookiecutter.__ssr %}
from django.urls import get_resolver
{%- endif %}
from django_matt.contrib.spa.settings import get_settings
{%- if cookiecutter.__spa %}
from django_matt.testing import MattClient
{%- endif %}

{% if cookiecutter.__postgresql -%}
from config.environment import env
{% endif -%}
{% if cookiecutter.__passkey -%}
from tests.authenticators import give_passkey
{% endif -%}
from tests.factories import PASSWORD, make_item, make_staff{{ ', make_user' if cookiecutter.__passkey else '' }}

is_built = get_settings().built.exists()


{% if cookiecutter.__ssr -%}
def test_the_proxies_know_each_url_of_django() -> None:
    named = (settings.BASE_DIR / "front/django.caddy").read_text()
    known = re.findall(r"/[^ \n*]+", "\n".join(re.findall(r"^path (.*)$", named, re.M)))
    # "" has the parts below: accounts/, _allauth/, …
    parts = [str(each.pattern) for each in get_resolver().url_patterns]
    for each in get_resolver().url_patterns:
        if not str(each.pattern):
            parts += [str(below.pattern) for below in getattr(each, "url_patterns", [])]
    for part in filter(None, parts):
        path = "/" + part.removeprefix("^").split("(")[0]
        assert any(each.startswith(path.rstrip("/")) for each in known), f"{path} is not in it"


{% else -%}
def test_the_front_end_is_no_answer_to_requests_of_the_api(visitor: MattClient) -> None:
    browser = {"Accept": "text/html"}
    visitor.get("/api/nowhere", headers=browser).expect(404)
    visitor.get("/nowhere", headers={"Accept": "application/json"}).expect(404)
    visitor.get("/items/1", headers=browser).expect(200 if is_built else 503)
    assert visitor.get("/admin", headers=browser).expect(301).headers["Location"] == "/admin/"


{% endif -%}
def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(port: int, site: str, files: Path) -> Iterator[None]:
    """Serve as `make dev` does, on the database of the tests: streams need ASGI, which `live_server` has not."""
    name = connection.settings_dict["NAME"]
    variables = {
        "DEBUG": "true",
{%- if cookiecutter.__postgresql %}
        "DATABASE_URL": urlsplit(env.DATABASE_URL.get_secret_value())._replace(path=f"/{name}").geturl(),
{%- else %}
        "DATABASE_URL": f"sqlite:///{name}",
{%- endif %}
        "STORAGE_URL": files.as_uri(),
        "SITE_URL": site,
    }
    with subprocess.Popen(  # noqa: S603 - this project
        [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
        cwd=settings.BASE_DIR,
        env={**os.environ, **variables},
    ) as process:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                assert process.poll() is None, "The server has ended."
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


if is_built:

    @pytest.mark.django_db(transaction=True)
    def test_the_front_end_in_a_browser(tmp_path: Path, settings: LazySettings) -> None:
        # The server checks passwords as in production.
        settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
        staff = make_staff(email="ada@example.com")
        EmailAddress.objects.create(user=staff, email=staff.email, verified=True, primary=True)
{%- if cookiecutter.__passkey %}
        # Of somebody else: beside a passkey, a password is not enough.
        owner = make_user(email="grace@example.com")
        EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
{%- endif %}
        for number in range(12):
            make_item(name=f"Lamp {number:02}")
        client = Client()
        client.force_login(staff)
        port = find_port()
{%- if cookiecutter.__ssr %}
        # preview.mjs of front/ joins Django and Node to one origin.
        shown = find_port()
        preview = {
            "PREVIEW": "yes",
            "PORT": str(shown),
            "MATT_SPA_BACKEND": f"http://127.0.0.1:{port}",
        }
{%- else %}
        shown = port
{%- endif %}
        # Browsers use passkeys at localhost, and not at an address.
        site = f"http://localhost:{shown}"
        who = {
            "SESSION": client.cookies["sessionid"].value,
            "EMAIL": staff.email,
            "PASSWORD": PASSWORD,
{%- if cookiecutter.__passkey %}
            "PASSKEY": json.dumps(give_passkey(owner)),
            "PASSKEY_EMAIL": owner.email,
{%- endif %}
        }
        with serve(port, site, tmp_path):
            done = subprocess.run(
                [sys.executable, "manage.py", "matt_spa", "run", "test"],
                cwd=settings.BASE_DIR,
                env={**os.environ, {{ '**preview, ' if cookiecutter.__ssr else '' }}**who, "BASE_URL": site},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stdout
