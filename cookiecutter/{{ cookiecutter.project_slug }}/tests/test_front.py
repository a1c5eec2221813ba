"""The front end in a browser: the test of front/, against this Django. `make front` builds what it opens."""

import os
{%- if cookiecutter.__ssr %}
import re
import socket
{%- endif %}
import subprocess
import sys

import pytest
from allauth.account.models import EmailAddress
from django.conf import LazySettings, settings
from django.test import Client
{%- if cookiecutter.__ssr %}
from django.urls import get_resolver
{%- else %}
from django_matt.testing import MattClient
{%- endif %}
from pytest_django.live_server_helper import LiveServer

from tests.factories import PASSWORD, make_item, make_staff

{% if cookiecutter.__ssr -%}
FRONT = settings.BASE_DIR / "front"
is_built = (FRONT / settings.MATT_SPA["SERVER"]).exists()


def test_the_proxies_know_each_url_of_django() -> None:
    named = (FRONT / "django.caddy").read_text()
    known = re.findall(r"/[^ \n*]+", "\n".join(re.findall(r"^path (.*)$", named, re.M)))
    # "" has the parts below: accounts/, _allauth/, …
    parts = [str(each.pattern) for each in get_resolver().url_patterns]
    for each in get_resolver().url_patterns:
        if not str(each.pattern):
            parts += [str(below.pattern) for below in getattr(each, "url_patterns", [])]
    for part in filter(None, parts):
        path = "/" + part.removeprefix("^").split("(")[0]
        assert any(each.startswith(path.rstrip("/")) for each in known), f"{path} is not in it"


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


{% else -%}
is_built = (settings.BASE_DIR / "static/front/.vite/manifest.json").exists()


def test_the_front_end_is_no_answer_to_requests_of_the_api(visitor: MattClient) -> None:
    browser = {"Accept": "text/html"}
    visitor.get("/api/nowhere", headers=browser).expect(404)
    visitor.get("/nowhere", headers={"Accept": "application/json"}).expect(404)
    visitor.get("/items/1", headers=browser).expect(200 if is_built else 503)
    assert visitor.get("/admin", headers=browser).expect(301).headers["Location"] == "/admin/"


{% endif -%}
if is_built:

    @pytest.mark.django_db(transaction=True)
    def test_the_front_end_in_a_browser(live_server: LiveServer, settings: LazySettings) -> None:
        settings.ACCOUNT_RATE_LIMITS = False
        staff = make_staff(email="ada@example.com")
        EmailAddress.objects.create(user=staff, email=staff.email, verified=True, primary=True)
        for number in range(12):
            make_item(name=f"Lamp {number:02}")
        client = Client()
        client.force_login(staff)
{%- if cookiecutter.__ssr %}
        # preview.mjs of front/ joins Django and Node to one origin.
        port = str(find_port())
        served = {
            "PREVIEW": "yes",
            "PORT": port,
            "BASE_URL": f"http://localhost:{port}",
            "MATT_SPA_BACKEND": live_server.url,
        }
{%- else %}
        served = {"BASE_URL": live_server.url}
{%- endif %}
        done = subprocess.run(
            [sys.executable, "manage.py", "matt_spa", "run", "test"],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                **served,
                "SESSION": client.cookies["sessionid"].value,
                "EMAIL": staff.email,
                "PASSWORD": PASSWORD,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
