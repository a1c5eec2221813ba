"""The page itself, over HTTP and without a browser."""

import json
import re

import pytest
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.urls import set_script_prefix
from ninja.openapi.docs import Swagger

from django_matt import MattAPI
from django_matt.openapi import MattDocs
from tests.openapi.shop import build


def config_of(response):
    found = re.search(r'<script id="docs-config"[^>]*>(.*?)</script>', response.content.decode())
    assert found
    return json.loads(found[1])


def test_the_page_is_titled_by_the_api_and_escapes_it(serve):
    page = serve(build()).get("/api/docs").content.decode()
    assert "<title>The &lt;Shop&gt;</title>" in page


def test_every_address_in_the_page_is_served_by_the_app_with_debug_off(serve, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if "staticfiles" not in app]
    client = serve(build())
    for view in ("swagger", "redoc"):
        page = client.get(f"/api/docs?view={view}").content.decode()
        found = re.findall(r'(?:src|href|data-bundle)="([^"?#][^"]*)"', page)
        assert len(found) > 5
        for address in found:
            assert address.startswith("/api/")
            assert client.get(address).status_code == 200


def test_the_page_has_no_inline_script_or_style_and_says_so(serve):
    response = serve(build()).get("/api/docs")
    page = response.content.decode()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert re.findall(r"<script(?![^>]*src=)[^>]*>", page) == [
        '<script id="docs-config" type="application/json">'
    ]
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"'nonce-{config_of(response)['nonce']}'" in policy


def test_a_nonce_is_used_once(serve):
    client = serve(build())
    assert (
        config_of(client.get("/api/docs"))["nonce"] != config_of(client.get("/api/docs"))["nonce"]
    )


def test_the_view_comes_from_the_address_and_anything_else_is_the_first(serve):
    client = serve(build(docs=MattDocs(view="redoc", redoc={"hideHostname": True})))
    assert config_of(client.get("/api/docs?view=swagger"))["view"] == "swagger"
    assert config_of(client.get("/api/docs?view=%22%3E"))["view"] == "redoc"
    assert config_of(client.get("/api/docs"))["options"] == {"hideHostname": True}


def test_an_unknown_first_view_is_refused():
    with pytest.raises(ValueError, match="swagger, redoc"):
        MattDocs(view="rapidoc")  # type: ignore[arg-type]


def test_the_csrf_token_is_there_only_where_a_route_checks_it(serve):
    plain = MattAPI(urls_namespace="plain")
    client = serve(build(), **{"plain/": plain})
    csrf = config_of(client.get("/api/docs"))["csrf"]
    assert csrf["header"] == "X-CSRFTOKEN"
    assert len(csrf["token"]) == 64
    assert "csrf" not in config_of(client.get("/plain/docs"))


def test_servers_elsewhere_may_be_called_and_nothing_else(serve):
    servers = [
        {"url": "https://api.example.com/v1"},
        {"url": "/here"},
        {"url": "https://x; y.example/"},
    ]
    docs = MattDocs(csp={"connect-src": ["https://login.example.com"]})
    policy = serve(MattAPI(servers=servers, docs=docs)).get("/api/docs")["Content-Security-Policy"]
    assert "connect-src 'self' https://api.example.com https://login.example.com;" in policy


def test_two_apis_have_two_pages(serve):
    client = serve(build(), **{"two/": MattAPI(title="Two", urls_namespace="two")})
    assert config_of(client.get("/two/docs"))["url"] == "/two/openapi.json"
    assert config_of(client.get("/api/docs"))["url"] == "/api/openapi.json"


def test_the_page_knows_its_prefix_with_parameters_and_script_name(serve):
    client = serve(MattAPI(), prefix="<slug:tenant>/api/")
    set_script_prefix("/mounted/")
    try:
        response = client.get("/red/api/docs")
    finally:
        set_script_prefix("/")
    assert config_of(response)["url"] == "/mounted/red/api/openapi.json"
    assert b'href="/mounted/red/api/_matt/docs.css"' in response.content


@pytest.mark.django_db
def test_staff_sees_the_page_and_others_are_sent_to_sign_in(serve):
    client = serve(MattAPI(docs_decorator=staff_member_required(login_url="/login")))
    assert client.get("/api/docs")["Location"].startswith("/login")
    client.force_login(User.objects.create_user("one", is_staff=True))
    assert client.get("/api/docs").status_code == 200
    assert client.get("/api/openapi.json").status_code == 200


def test_no_docs_url_turns_the_page_off_and_no_openapi_url_both(serve):
    client = serve(
        MattAPI(docs_url=None), **{"two/": MattAPI(openapi_url=None, urls_namespace="two")}
    )
    assert client.get("/api/docs").status_code == 404
    assert client.get("/api/openapi.json").status_code == 200
    assert client.get("/two/docs").status_code == 404
    assert client.get("/two/openapi.json").status_code == 404


def test_ninjas_own_page_can_be_had(serve):
    page = serve(MattAPI(docs=Swagger())).get("/api/docs")
    assert page.status_code == 200
    assert b"swagger-settings" in page.content


def test_redocs_bundle_loads_nothing_from_its_maker(serve):
    bundle = serve(MattAPI()).get("/api/_matt/redoc.standalone.js").content
    assert b"cdn.redoc.ly" not in bundle
