"""Where the document is, in which language it answers, and what ``docs_decorator`` gets."""

import types
from functools import partial, wraps

import pytest
from django.http import HttpResponseForbidden
from django.test import Client
from django.urls import clear_url_caches, include, path
from django.utils.translation import gettext_lazy
from ninja.openapi.docs import Redoc, Swagger
from ninja.testing import TestClient
from ninja_extra import NinjaExtraAPI

from django_matt import MattAPI, Schema
from django_matt.openapi import MattDocs

BOTH = pytest.mark.parametrize("cls", [MattAPI, NinjaExtraAPI])


@pytest.fixture
def mount(settings):
    """Return ``mount(patterns)``: serve them, with a client that keeps 500s as answers."""

    def use(patterns):
        urlconf = types.ModuleType("urlconf_of_publishing")
        urlconf.urlpatterns = patterns
        settings.ROOT_URLCONF = urlconf
        clear_url_caches()
        return Client(raise_request_exception=False)

    yield use
    clear_url_caches()


def small(**options):
    api = MattAPI(title="Small", **options)
    api.get("/x", response=int)(lambda request, **parameters: 1)
    return api


@pytest.mark.parametrize(
    ("wrap", "root"),
    [
        (lambda api: path("one/", include(([path("api/", api.urls)], "one"))), "/one/api/"),
        (
            lambda api: path(
                "one/", include(([path("two/", include(([path("", api.urls)], "b")))], "a"))
            ),
            "/one/two/",
        ),
        (
            lambda api: path(
                "<slug:tenant>/", include(([path("<int:n>/", api.urls)], "one"), namespace="two")
            ),
            "/red/7/",
        ),
    ],
    ids=["included", "included twice", "included under parameters"],
)
@pytest.mark.parametrize("docs", [MattDocs, Swagger, Redoc])
def test_an_api_below_an_include_has_its_document_and_its_page(mount, wrap, root, docs):
    client = mount([wrap(small(docs=docs()))])
    assert client.get(f"{root}x").status_code == 200
    answer = client.get(f"{root}openapi.json")
    assert answer.status_code == 200
    assert list(answer.json()["paths"]) == [f"{root}x"]
    page = client.get(f"{root}docs")
    assert page.status_code == 200
    assert f"{root}openapi.json" in page.content.decode()


def test_one_api_below_two_namespaces_has_a_document_in_each(mount):
    inner = ([path("api/", small().urls)], "inner")
    client = mount(
        [path("a/", include(inner, namespace="a")), path("b/", include(inner, namespace="b"))]
    )
    for prefix in ("/a/api/", "/b/api/"):
        document = client.get(f"{prefix}openapi.json").json()
        assert list(document["paths"]) == [f"{prefix}x"]


@pytest.mark.parametrize("docs", [MattDocs, Swagger, Redoc])
def test_ninja_s_test_client_reads_page_and_document_of_a_mounted_api(mount, docs):
    api = small(docs=docs())
    mount([path("api/", api.urls)])
    client = TestClient(api)
    assert client.get("/docs").status_code == 200
    assert list(client.get("/openapi.json").json()["paths"]) == ["/api/x"]


def test_an_unknown_url_below_an_include_is_answered_in_the_error_format(mount):
    client = mount([path("one/", include(([path("api/", small().urls)], "one")))])
    answer = client.get("/one/api/nothing")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Not Found")


def test_an_api_knows_where_it_is_below_an_include(mount):
    api = small()
    mount([path("one/", include(([path("api/", api.urls)], "one")))])
    assert list(api.get_openapi_schema()["paths"]) == ["/one/api/x"]


@BOTH
def test_the_document_answers_in_the_language_of_each_request(serve, settings, cls):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    required = gettext_lazy("This field is required.")
    api = cls(title=gettext_lazy("Yes"), urls_namespace="languages")

    @api.get("/x", response=int, summary=gettext_lazy("No"), description=required)
    def x(request):
        return 1

    client = serve(api)
    found = {}
    for language in ("de", "fr", "de", "en"):
        document = client.get("/api/openapi.json", HTTP_ACCEPT_LANGUAGE=language).json()
        route = document["paths"]["/api/x"]["get"]
        found[language] = (document["info"]["title"], route["summary"], route["description"])
    assert found == {
        "de": ("Ja", "Nein", "Dieses Feld ist zwingend erforderlich."),
        "fr": ("Oui", "Non", "Ce champ est obligatoire."),
        "en": ("Yes", "No", "This field is required."),
    }


@pytest.mark.parametrize("docs", [MattDocs, Swagger])
@BOTH
def test_docs_decorator_tells_page_from_document_as_on_ninja(serve, cls, docs):
    seen = []

    def page_for_nobody(view):
        assert isinstance(view, partial)
        seen.append((view.func.__name__, view.args, view.keywords))

        @wraps(view)
        def decorated(request, **parameters):
            if view.func.__name__ == "openapi_view":
                return HttpResponseForbidden()
            return view(request, **parameters)

        return decorated

    api = cls(docs_decorator=page_for_nobody, docs=docs(), urls_namespace="decorated")
    client = serve(api)
    assert client.get("/api/docs").status_code == 403
    assert client.get("/api/openapi.json").status_code == 200
    assert seen == [
        ("openapi_json", (), {"api": api}),
        ("openapi_view", (), {"api": api}),
    ]


@BOTH
def test_page_and_document_at_one_address_are_refused(cls):
    api = cls(openapi_url="/same", docs_url="/same", urls_namespace="same")
    with pytest.raises(AssertionError, match="different urls"):
        _ = api.urls


def test_the_setting_changes_the_document_of_an_api_that_exists(serve, settings):
    class Lamp(Schema):
        watts: int = 5

    api = MattAPI()
    api.get("/x", response=Lamp)(lambda request: {})
    client = serve(api)

    def required():
        document = client.get("/api/openapi.json").json()
        return document["components"]["schemas"]["Lamp"].get("required", [])

    assert required() == []
    settings.MATT = {"STRICT_OPENAPI": True}
    assert required() == ["watts"]
