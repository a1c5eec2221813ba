"""The front end in a browser: `npm test` of front/, against this Django. `make front` builds what it opens."""

import os
import subprocess

import pytest
from allauth.account.models import EmailAddress
from django.conf import LazySettings, settings
from django.test import Client
from django_matt.testing import MattClient
from pytest_django.live_server_helper import LiveServer

from tests.factories import PASSWORD, make_item, make_staff

FRONT = settings.BASE_DIR / "front"
is_built = (settings.BASE_DIR / "static/front/.vite/manifest.json").exists()


def test_the_front_end_is_no_answer_to_requests_of_the_api(visitor: MattClient) -> None:
    browser = {"Accept": "text/html"}
    visitor.get("/api/nowhere", headers=browser).expect(404)
    visitor.get("/nowhere", headers={"Accept": "application/json"}).expect(404)
    visitor.get("/items/1", headers=browser).expect(200 if is_built else 503)
    assert visitor.get("/admin", headers=browser).expect(301).headers["Location"] == "/admin/"


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
        done = subprocess.run(
            ["npm", "test"],  # noqa: S607 - the one that make found
            cwd=FRONT,
            env={
                **os.environ,
                "BASE_URL": live_server.url,
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
