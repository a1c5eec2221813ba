"""What password managers, browsers and OAuth clients find below ``/.well-known/``."""

import types
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import clear_url_caches, include, path
from django.views.generic import TemplateView

from django_matt import MattAPI
from django_matt.authentication import AnyOf, APIKeyAuthenticator, BearerAuthenticator
from django_matt.contrib.password_managers import checks
from django_matt.contrib.password_managers.settings import get_settings

KNOWN = "/.well-known"
EXTENSIONS = ["matt_password_managers"]


class Token(BearerAuthenticator):
    is_blocking = False

    def authenticate(self, request: Any, credentials: Any) -> Any:
        return types.SimpleNamespace(scopes=[]) if credentials.value == "good" else None


class Key(APIKeyAuthenticator):
    is_blocking = False

    def authenticate(self, request: Any, credentials: Any) -> Any:
        return None


def shop(**more: Any) -> MattAPI:
    api = MattAPI(title="Shop", urls_namespace="shop", extensions=EXTENSIONS, **more)

    @api.get("/books", auth=Token(scopes=["books:read"]))
    def books(request: Any) -> dict[str, str]:
        return {}

    @api.post("/books", auth=AnyOf(Key(), Token(scopes=["books:write"])))
    async def add(request: Any) -> dict[str, str]:
        return {}

    @api.get("/keys", auth=Key())
    def keys(request: Any) -> dict[str, str]:
        return {}

    @api.get("/open")
    def opened(request: Any) -> dict[str, str]:
        return {}

    return api


Mount = Callable[..., Client]


@pytest.fixture
def mount(settings: Any) -> Any:
    """Return ``mount(*patterns)``, whose client sees the addresses at the root and the patterns."""

    def made(*patterns: Any, at: str = "") -> Client:
        urlconf = types.ModuleType("well_known_urlconf")
        urls = include("django_matt.contrib.password_managers.urls")
        urlconf.urlpatterns = [path(at, urls), *patterns]  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = urlconf
        clear_url_caches()
        return Client(raise_request_exception=False)

    yield made
    clear_url_caches()


def page(name: str) -> Any:
    return path(f"me/{name}/", TemplateView.as_view(template_name="x"), name=name)


# ---- passwords and passkeys ----


def test_the_change_of_a_password_is_a_redirect_to_the_page(mount: Mount):
    client = mount(page("account_change_password"))
    response = client.get(f"{KNOWN}/change-password")
    assert (response.status_code, response["Location"]) == (302, "/me/account_change_password/")
    assert client.head(f"{KNOWN}/change-password").status_code == 302
    assert client.post(f"{KNOWN}/change-password").status_code == 405


def test_a_front_end_has_pages_of_its_own(mount: Mount, settings: Any):
    settings.MATT_PASSWORD_MANAGERS = {
        "CHANGE_PASSWORD": "https://app.example.com/password",
        "ENROLL": "/app/passkeys/new",
        "MANAGE": None,
    }
    client = mount()
    response = client.get(f"{KNOWN}/change-password")
    assert response["Location"] == "https://app.example.com/password"
    found = client.get(f"{KNOWN}/passkey-endpoints").json()
    assert found == {"enroll": "http://testserver/app/passkeys/new"}


def test_a_project_without_such_pages_has_nothing_there(mount: Mount):
    client = mount()
    for name in ("change-password", "passkey-endpoints", "webauthn", "oauth-protected-resource"):
        assert client.get(f"{KNOWN}/{name}").status_code == 404, name


def test_the_pages_for_passkeys_are_absolute_urls_in_json(mount: Mount):
    client = mount(page("mfa_add_webauthn"), page("mfa_list_webauthn"))
    response = client.get(f"{KNOWN}/passkey-endpoints", secure=True)
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "enroll": "https://testserver/me/mfa_add_webauthn/",
        "manage": "https://testserver/me/mfa_list_webauthn/",
    }


def test_related_origins_are_those_that_the_passkeys_app_accepts(mount: Mount, settings: Any):
    client = mount()
    settings.MATT_PASSKEYS = {}
    settings.MATT_PASSWORD_MANAGERS = {"RELATED_ORIGINS": ["https://example.org"]}
    assert client.get(f"{KNOWN}/webauthn").json() == {"origins": ["https://example.org"]}
    settings.MATT_PASSKEYS = {"RELATED_ORIGINS": ["https://example.net", "https://example.com"]}
    response = client.get(f"{KNOWN}/webauthn")
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"origins": ["https://example.net", "https://example.com"]}


def test_a_catch_all_route_does_not_answer_for_addresses_that_do_not_exist(mount: Mount):
    client = mount(path("<path:rest>", TemplateView.as_view(template_name="x")))
    gone = f"{KNOWN}/resource-that-should-not-exist-whose-status-code-should-not-be-200"
    assert client.get(gone).status_code == 404


def test_visitors_read_them_in_a_project_whose_pages_all_need_a_login(mount: Mount, settings: Any):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    client = mount(page("account_change_password"))
    assert client.get(f"{KNOWN}/change-password")["Location"] == "/me/account_change_password/"


# ---- APIs as protected resources ----


def test_an_api_is_described_by_its_own_schemes_and_scopes(mount: Mount, settings: Any):
    settings.MATT_PASSWORD_MANAGERS = {"AUTHORIZATION_SERVERS": ["https://id.example.com"]}
    client = mount(path("api/", shop().urls))
    response = client.get(f"{KNOWN}/oauth-protected-resource/api", secure=True)
    assert response.json() == {
        "resource": "https://testserver/api",
        "resource_name": "Shop",
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["books:read", "books:write"],
        "authorization_servers": ["https://id.example.com"],
    }
    assert response["Access-Control-Allow-Origin"] == "*"
    with_slash = client.get(f"{KNOWN}/oauth-protected-resource/api/", secure=True)
    assert with_slash.json()["resource"] == "https://testserver/api/", "what the client has"


def test_a_site_with_several_apis_is_described_as_a_whole(mount: Mount):
    other = MattAPI(urls_namespace="other", extensions=[])

    @other.get("/x", auth=Token(scopes=["x"]))
    def x(request: Any) -> dict[str, str]:
        return {}

    client = mount(path("api/", shop().urls), path("other/", other.urls))
    found = client.get(f"{KNOWN}/oauth-protected-resource").json()
    assert found["resource"] == "http://testserver"
    assert found["scopes_supported"] == ["books:read", "books:write", "x"]
    assert "resource_name" not in found
    assert client.get(f"{KNOWN}/oauth-protected-resource/none").status_code == 404


def test_an_api_without_tokens_is_no_protected_resource(mount: Mount):
    api = MattAPI(urls_namespace="keys", extensions=[], auth=Key())

    @api.get("/x")
    def x(request: Any) -> dict[str, str]:
        return {}

    client = mount(path("api/", api.urls))
    assert client.get(f"{KNOWN}/oauth-protected-resource/api").status_code == 404
    assert client.get(f"{KNOWN}/oauth-protected-resource").status_code == 404


@pytest.mark.parametrize(("method", "header"), [("get", ""), ("get", "Bearer bad"), ("post", "")])
def test_a_refusal_names_the_metadata(mount: Mount, method: str, header: str):
    client = mount(path("api/", shop().urls))
    headers = {"Authorization": header} if header else {}
    refused = getattr(client, method)("/api/books", headers=headers)
    assert refused.status_code == 401
    challenge = refused["WWW-Authenticate"]
    metadata = "http://testserver/.well-known/oauth-protected-resource/api"
    assert f'Bearer resource_metadata="{metadata}", realm="api"' in challenge
    assert client.get(metadata.removeprefix("http://testserver")).status_code == 200


def test_a_refusal_for_a_scope_names_the_metadata(mount: Mount):
    client = mount(path("api/", shop().urls))
    refused = client.get("/api/books", headers={"Authorization": "Bearer good"})
    assert refused.status_code == 403
    assert "resource_metadata=" in refused["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in refused["WWW-Authenticate"]


def test_a_refusal_of_a_route_with_a_parameter_names_the_metadata_of_its_api(mount: Mount):
    api = shop()

    @api.get("/shelves/{name}", auth=Token())
    def shelf(request: Any, name: str) -> dict[str, str]:
        return {}

    refused = mount(path("api/", api.urls)).get("/api/shelves/1")
    assert refused.status_code == 401
    assert 'oauth-protected-resource/api"' in refused["WWW-Authenticate"]


def test_a_refusal_of_an_api_whose_path_has_a_parameter_names_no_metadata(mount: Mount):
    refused = mount(path("<tenant>/api/", shop().urls)).get("/red/api/books")
    assert refused.status_code == 401
    assert "resource_metadata" not in refused["WWW-Authenticate"]


def test_other_responses_do_not_name_it(mount: Mount):
    client = mount(path("api/", shop().urls))
    assert "resource_metadata" not in client.get("/api/keys").get("WWW-Authenticate", "")
    assert client.get("/api/open").status_code == 200
    elsewhere = mount(path("api/", shop().urls), at="inner/")
    assert "resource_metadata" not in elsewhere.get("/api/books")["WWW-Authenticate"]


def test_a_foreign_host_is_a_400(mount: Mount):
    client = mount(path("api/", shop().urls))
    for name in ("oauth-protected-resource", "oauth-protected-resource/api"):
        assert client.get(f"{KNOWN}/{name}", headers={"Host": "evil.example"}).status_code == 400


# ---- checks ----


def test_urls_that_are_missing_or_not_at_the_root_are_reported(mount: Mount, settings: Any):
    mount()
    assert checks.check_urls() == []
    mount(at="accounts/")
    (found,) = checks.check_urls()
    assert found.id == "matt_password_managers.E002"
    settings.ROOT_URLCONF = "tests.sign_in.urls"
    clear_url_caches()
    (found,) = checks.check_urls()
    assert found.id == "matt_password_managers.W001"


@pytest.mark.parametrize(
    "wrong",
    [
        {"CHANGE_PASSWORD": ""},
        {"CHANGE_PASSWORD": "//evil.example"},
        {"RELATED_ORIGINS": ["example.com"]},
        {"RELATED_ORIGINS": ["https://example.com/"]},
        {"AUTHORIZATION_SERVERS": ["http://id.example.com"]},
        {"AUTHORIZATION_SERVERS": ["https://id.example.com?x"]},
    ],
)
def test_a_wrong_setting_is_reported(wrong: dict[str, Any], settings: Any, mount: Mount):
    mount()
    settings.MATT_PASSWORD_MANAGERS = wrong
    with pytest.raises(ImproperlyConfigured):
        get_settings()
    assert [each.id for each in checks.check_settings()] == ["matt_password_managers.E001"]


def test_a_page_that_does_not_exist_is_reported(settings: Any, mount: Mount):
    mount(page("mine"))
    settings.MATT_PASSWORD_MANAGERS = {"MANAGE": "mine"}
    assert checks.check_settings() == []
    settings.MATT_PASSWORD_MANAGERS = {"MANAGE": "their"}
    assert [each.id for each in checks.check_settings()] == ["matt_password_managers.W002"]
