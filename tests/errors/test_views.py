"""Django's handlers for what never reaches an API."""

import types

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import clear_url_caches, path

from django_matt.errors import views


def refuse(request):
    raise PermissionDenied("secret reason")


def fail(request):
    raise RuntimeError("secret reason")


@pytest.fixture
def client(settings):
    urlconf = types.ModuleType("urlconf_with_handlers")
    urlconf.urlpatterns = [path("refuse", refuse), path("fail", fail)]
    for name in views.__all__:
        setattr(urlconf, name, getattr(views, name))
    settings.ROOT_URLCONF = urlconf
    clear_url_caches()
    yield Client(raise_request_exception=False)
    clear_url_caches()


@pytest.mark.parametrize(
    ("url", "host", "status", "code"),
    [
        ("/nothing", "testserver", 404, "not_found"),
        ("/refuse", "testserver", 403, "permission_denied"),
        ("/fail", "testserver", 500, "internal_error"),
        ("/nothing", "evil.example", 400, "bad_request"),
    ],
)
def test_what_is_refused_outside_an_api_is_a_problem_document_for_programs_and_a_page_for_browsers(
    client, url, host, status, code
):
    answer = client.get(url, headers={"host": host, "accept": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    )
    assert answer.json()["code"] == code
    assert b"secret" not in answer.content
    page = client.get(url, headers={"host": host, "accept": "text/html"})
    assert page.status_code == status
    assert page.headers["Content-Type"].startswith("text/html")
