"""``RequiresRecent``: a recent sign-in as a permission (RFC 9470), for tokens and sessions, on sync and async routes."""

import sys
import time
from types import ModuleType
from typing import Any

import pytest
from django.apps import AppConfig
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from ninja_extra import ControllerBase, api_controller, http_get

from django_matt import MattAPI
from django_matt.authentication import AnyOf, APIKeyAuthenticator, SessionAuthenticator
from django_matt.contrib.tokens import services
from django_matt.contrib.tokens.authentication import TokenAuth
from django_matt.contrib.tokens.verification import verifier
from django_matt.sign_in import AuthenticationRecord
from django_matt.step_up import RequiresRecent

BACKEND = "django.contrib.auth.backends.ModelBackend"


class Key(APIKeyAuthenticator):
    def authenticate(self, request, credentials):
        return "a key"


@pytest.fixture(autouse=True)
def forgetful():
    verifier.clear()


@pytest.fixture
def client(serve: Any) -> Client:
    @api_controller("", auth=AnyOf(TokenAuth(), Key(), SessionAuthenticator()), auto_import=False)
    class Danger(ControllerBase):
        @http_get("/recent", permissions=[RequiresRecent(minutes=5)])
        def recent(self):
            return {}

        @http_get("/passkey", permissions=[RequiresRecent(minutes=5, factor="passkey")])
        def passkey(self):
            return {}

        @http_get("/arecent", permissions=[RequiresRecent(minutes=5)])
        async def arecent(self):
            return {}

        @http_get("/apasskey", permissions=[RequiresRecent(minutes=5, factor="passkey")])
        async def apasskey(self):
            return {}

    api = MattAPI(extensions=["matt_tokens"])
    api.register_controllers(Danger)

    @api.get("/function", auth=TokenAuth())
    def function(request):
        RequiresRecent(minutes=5).has_permission(request)
        return {}

    browser: Client = serve(api)
    return browser


@pytest.fixture(params=["", "a"])
def kind(request):
    return request.param


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada")


def record(method, minutes):
    return AuthenticationRecord(method=method, at=time.time() - 60 * minutes)


def token(user, *records):
    issued = services.issue(HttpRequest(), user, records=records).tokens
    return {"Authorization": f"Bearer {issued.access_token}"}


def test_a_recent_login_is_accepted(client, kind, ada):
    headers = token(ada, record("password", 4))
    assert client.get(f"/api/{kind}recent", headers=headers).status_code == 200


def test_a_function_calls_the_permission_itself(client, ada):
    for minutes, status in ((4, 200), (6, 401)):
        headers = token(ada, record("password", minutes))
        assert client.get("/api/function", headers=headers).status_code == status


def test_an_old_login_is_refused_with_what_is_missing(client, kind, ada):
    answer = client.get(f"/api/{kind}recent", headers=token(ada, record("password", 6)))
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert 'max_age="300"' in challenge
    assert "acr_values" not in challenge


def test_another_factor_is_refused_with_the_one_that_is_missing(client, kind, ada):
    answer = client.get(
        f"/api/{kind}passkey",
        headers={**token(ada, record("password", 1)), "Accept": "application/problem+json"},
    )
    assert answer.status_code == 401
    assert 'acr_values="passkey"' in answer.headers["WWW-Authenticate"]
    assert answer.json()["code"] == "insufficient_user_authentication"
    assert (answer.json()["acr_values"], answer.json()["max_age"]) == ("passkey", 300)


def test_an_old_factor_beside_a_recent_one_is_refused(client, kind, ada):
    """The time of each method counts, and not that of the last one."""
    records = [record("passkey", 60), record("password", 1)]
    assert client.get(f"/api/{kind}passkey", headers=token(ada, *records)).status_code == 401
    records = [record("password", 60), record("passkey", 1)]
    assert client.get(f"/api/{kind}passkey", headers=token(ada, *records)).status_code == 200


def test_a_token_without_records_is_refused(client, kind, ada):
    assert client.get(f"/api/{kind}recent", headers=token(ada)).status_code == 401


def test_refreshing_makes_no_login_more_recent(client, kind, ada):
    login = services.issue(HttpRequest(), ada, records=[record("password", 6)])
    tokens = services.refresh(str(login.tokens.refresh_token)).tokens
    headers = {"Authorization": f"Bearer {tokens.access_token}"}
    assert client.get(f"/api/{kind}recent", headers=headers).status_code == 401


def test_an_impersonated_user_is_refused(client, kind, ada):
    admin = User.objects.create_superuser("admin")
    login = services.impersonate(HttpRequest(), admin, lambda: ada)
    headers = {"Authorization": f"Bearer {login.tokens.access_token}"}
    assert client.get(f"/api/{kind}recent", headers=headers).status_code == 401


@pytest.fixture
def remembered(settings):
    """What an installed app remembers of the session."""
    found = []

    class Remembers(AppConfig):
        name = "remembers"
        path = "remembers"

        def authentication_records(self, request: HttpRequest) -> Any:
            return found

    package: Any = ModuleType("remembers")
    package.apps = ModuleType("remembers.apps")
    package.apps.Remembers = Remembers
    Remembers.__module__ = "remembers.apps"
    sys.modules |= {"remembers": package, "remembers.apps": package.apps}
    package.__path__ = []
    settings.INSTALLED_APPS = ["remembers.apps.Remembers", *settings.INSTALLED_APPS]
    yield found
    del sys.modules["remembers"], sys.modules["remembers.apps"]


def test_a_session_counts_as_far_as_an_app_remembers_it(client, kind, ada, remembered):
    client.force_login(ada, backend=BACKEND)
    assert client.get(f"/api/{kind}recent").status_code == 401
    remembered.append(record("password", 1))
    assert client.get(f"/api/{kind}recent").status_code == 200
    assert client.get(f"/api/{kind}passkey").status_code == 401
    remembered.append(record("passkey", 1))
    assert client.get(f"/api/{kind}passkey").status_code == 200


def test_a_session_beside_other_credentials_does_not_count(client, kind, ada, remembered):
    """Property 25: what the request presents decides alone."""
    remembered.append(record("password", 1))
    client.force_login(ada, backend=BACKEND)
    headers = token(User.objects.create_user("bob"))
    assert client.get(f"/api/{kind}recent", headers=headers).status_code == 401
    assert client.get(f"/api/{kind}recent", headers={"X-API-Key": "k"}).status_code == 401


def test_nobody_is_asked_to_sign_in_first(client, kind, db):
    answer = client.get(f"/api/{kind}recent")
    assert answer.status_code == 401
    assert "insufficient" not in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("wrong", [{"factor": "paskey"}, {"minutes": 0}, {"minutes": -1}])
def test_a_permission_that_nobody_could_have_is_an_error(wrong):
    with pytest.raises(ValueError, match="is n"):
        RequiresRecent(**wrong)
