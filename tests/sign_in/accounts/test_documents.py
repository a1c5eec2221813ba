"""allauth's routes in the OpenAPI document of the API: those that are set up, and no others."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from django_matt import MattAPI
from django_matt.contrib.accounts.guards import list_routes
from tests.sign_in.accounts.conftest import mount
from tests.sign_in.accounts.document import TARGET, make_document


@pytest.fixture(autouse=True)
def only_those_of_allauth(settings: Any) -> None:
    settings.MATT_ACCOUNTS = {"ACCOUNT_PATH": None}


def document(project: Any, **settings: Any) -> dict[str, Any]:
    from django.test import Client

    for name, value in settings.items():
        setattr(project, name, value)
    mount(project)
    return Client().get("/api/openapi.json").json()  # type: ignore[no-any-return]


def operations(found: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{method.upper()} {path}": each
        for path, item in found["paths"].items()
        for method, each in item.items()
    }


def test_the_kept_document_is_that_of_the_installed_allauth():
    assert TARGET.read_text() == make_document(), "run python -m tests.sign_in.accounts.document"


def test_the_document_is_valid_and_describes_every_route_that_is_served(project: Any):
    found = document(project)
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    described = {
        (path.removeprefix("/_allauth/").format(client=client), method)
        for path, item in found["paths"].items()
        for method in item
        for client in ("browser", "app")
        if path.startswith("/_allauth/")
    }
    served = {(route, method) for route, methods in list_routes().items() for method in methods}
    assert served - described == set()
    routes = {route for route, _ in served}
    assert {each for each in described if each[0] in routes} == served


def test_ids_are_stable_and_schemes_are_those_of_both_clients(project: Any):
    found = document(project)
    login = operations(found)["POST /_allauth/{client}/v1/auth/login"]
    assert login["operationId"] == "allauth_auth_login_post"
    assert login["security"] == [{"csrfToken": []}, {}]
    change = operations(found)["POST /_allauth/{client}/v1/account/password/change"]
    assert change["security"] == [{"session": [], "csrfToken": []}, {"sessionToken": []}]
    session = operations(found)["GET /_allauth/{client}/v1/auth/session"]
    assert session["security"] == [{"session": []}, {"sessionToken": []}]
    schemes = found["components"]["securitySchemes"]
    assert schemes["csrfToken"]["name"] == "X-CSRFToken"
    assert schemes["sessionToken"]["name"] == "X-Session-Token"
    ids = [each["operationId"] for each in operations(found).values()]
    assert len(ids) == len(set(ids))
    assert all(each.startswith("allauth_") for each in ids)


def test_what_is_not_set_up_is_not_described(project: Any):
    paths = set(document(project)["paths"])
    for part in (
        "phone",
        "webauthn/login",
        "code/request",
        "reauthenticate/code",
        "tokens",
        "trust",
    ):
        assert not [path for path in paths if part in path], part
    paths = set(document(project, ACCOUNT_LOGIN_BY_CODE_ENABLED=True)["paths"])
    assert "/_allauth/{client}/v1/auth/code/request" in paths


def test_for_one_kind_of_client_the_paths_have_no_parameter(project: Any):
    found = document(project, HEADLESS_CLIENTS=("app",))
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    login = operations(found)["POST /_allauth/app/v1/auth/login"]
    assert (login["parameters"], login["security"]) == ([], [])
    assert set(found["components"]["securitySchemes"]) == {"sessionToken"}
    found = document(project, HEADLESS_CLIENTS=("browser",))
    assert "POST /_allauth/browser/v1/auth/login" in operations(found)
    assert "sessionToken" not in found["components"]["securitySchemes"]


def test_the_sign_up_has_the_fields_of_the_settings(project: Any):
    found = document(project)
    schema = found["components"]["schemas"]["AllauthBaseSignup"]
    assert (set(schema["properties"]), schema["required"]) == ({"email"}, ["email"])
    fields = ["email*", "username*"]
    found = document(project, ACCOUNT_SIGNUP_FIELDS=fields)
    assert set(found["components"]["schemas"]["AllauthBaseSignup"]["properties"]) == {
        "email",
        "username",
    }


def test_an_api_of_a_project_without_the_urls_describes_none_of_it(serve: Any):
    found = serve(MattAPI(extensions=["matt_accounts"])).get("/api/openapi.json").json()
    assert found["paths"] == {}


@pytest.mark.django_db
def test_the_documented_prefix_is_where_the_urls_are(project: Any):
    import types

    from django.test import Client
    from django.urls import clear_url_caches, include, path

    api = MattAPI(extensions=["matt_accounts"])
    urlconf: Any = types.ModuleType("elsewhere")
    urlconf.urlpatterns = [
        path("id/", include("django_matt.contrib.accounts.urls")),
        path("api/", api.urls),
    ]
    project.ROOT_URLCONF = urlconf
    clear_url_caches()
    assert "/id/_allauth/{client}/v1/config" in Client().get("/api/openapi.json").json()["paths"]
    assert Client().get("/id/_allauth/app/v1/config").status_code == 200
