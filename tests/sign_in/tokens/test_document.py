"""The routes are in the OpenAPI document, with stable names, their schemes and the statuses of their errors."""

import pytest
from django.apps import apps

from django_matt import MattAPI


@pytest.fixture
def document(client, db):
    return client.get("/api/openapi.json").json()


OPERATIONS = {
    "tokens_refresh": {"200", "401", "403", "422"},
    "tokens_revoke": {"204", "403", "422"},
    "tokens_exchange": {"200", "401", "403", "422"},
    "tokens_impersonate": {"200", "401", "403", "404", "422"},
    "tokens_logins": {"200", "401"},
    "tokens_end_login": {"204", "401", "403", "404"},
    "tokens_keys": {"200"},
}


def found(document):
    return {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }


def test_every_route_has_a_name_and_its_statuses(document):
    operations = found(document)
    for name, statuses in OPERATIONS.items():
        assert statuses <= operations[name]["responses"].keys(), name
        assert operations[name]["tags"] == ["tokens"]


def test_an_access_token_is_a_bearer_scheme(document):
    schemes = document["components"]["securitySchemes"]
    assert schemes["accessToken"] == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert "accessCookie" not in schemes
    scoped = document["paths"]["/api/scoped"]["post"]
    assert scoped["security"] == [{"accessToken": ["books:write"]}]


def test_the_cookie_is_a_scheme_where_the_settings_allow_it(serve, settings):
    settings.MATT_TOKENS = {"COOKIES": True}
    api = MattAPI(extensions=["matt_tokens"])
    document = serve(api).get("/api/openapi.json").json()
    cookie = document["components"]["securitySchemes"]["accessCookie"]
    assert (cookie["in"], cookie["name"]) == ("cookie", "__Host-access")


def test_the_path_of_the_routes_is_a_setting(serve, settings, db):
    settings.MATT_TOKENS = {"PATH": "/auth/"}
    client = serve(MattAPI(extensions=["matt_tokens"]))
    assert client.post("/api/auth/refresh", {}, content_type="application/json").status_code == 401


def test_the_document_is_valid(document):
    from openapi_spec_validator import OpenAPIV31SpecValidator

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@pytest.mark.skipif(not apps.is_installed("django_matt.contrib.accounts"), reason="no accounts")
def test_the_session_token_of_an_app_is_one_scheme(serve, db):
    from django_matt.contrib.accounts.authentication import SessionTokenAuth

    api = MattAPI(extensions=["matt_tokens"])
    api.get("/app", auth=SessionTokenAuth())(lambda request: {})
    document = serve(api).get("/api/openapi.json").json()
    names = [name for name in document["components"]["securitySchemes"] if "essionT" in name]
    assert names == ["sessionToken"]
