"""No cache keeps what the routes of these apps return about a user or an organization."""

from time import time
from typing import Any

import pytest
from django.contrib.auth.models import User

from django_matt import MattAPI
from django_matt.authentication import SessionAuthenticator

pytestmark = pytest.mark.django_db

PRIVATE = [
    "/account/events",
    "/account/export",
    "/api-keys",
    "/organizations",
    "/organizations/red/domains",
    "/organizations/red/invitations",
    "/organizations/red/members",
    "/passkeys/signals",
    "/security-events",
    "/tokens/logins",
]
PUBLIC = ["/.well-known/jwks.json", "/sign-in/providers"]
OTHERS = {"/organizations/red/identity-provider": 404}
"""What has no row here."""


def test_every_route_that_returns_data_of_a_user_or_an_organization_forbids_to_store_it(
    serve: Any, settings: Any
):
    settings.MATT_AUDIT = {"STAFF_PATH": "/security-events"}
    api = MattAPI(auth=SessionAuthenticator())
    client = serve(api)
    ada = User.objects.create_superuser("ada", "ada@example.com")
    client.force_login(ada)
    session = client.session
    session["account_authentication_methods_user"] = str(ada.pk)
    session["account_authentication_methods"] = [{"method": "password", "at": time()}]
    session.save()
    made = client.post(
        "/api/organizations", {"name": "Red", "slug": "red"}, content_type="application/json"
    )
    assert made.status_code == 201, made.content
    document = client.get("/api/openapi.json").json()
    routes = {
        path.removeprefix("/api").replace("{organization}", "red")
        for path, methods in document["paths"].items()
        if "get" in methods and path.startswith("/api/")
    }
    assert routes == {*PRIVATE, *PUBLIC, *OTHERS}
    answers = {path: client.get(f"/api{path}") for path in PRIVATE}
    assert {path: each.status_code for path, each in answers.items()} == dict.fromkeys(PRIVATE, 200)
    stored = [
        path for path, each in answers.items() if "no-store" not in each.get("Cache-Control", "")
    ]
    assert stored == []
    assert all("Cookie" in each["Vary"] for each in answers.values())
