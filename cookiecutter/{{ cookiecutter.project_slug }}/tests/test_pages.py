"""What a browser gets besides the API: error pages, stylesheets, languages."""

import pytest
from django.conf import LazySettings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django_matt.testing import MattClient

BROWSER = {"Accept": "text/html"}


def test_an_unknown_page_says_so_in_the_project_s_own_style(visitor: MattClient) -> None:
    page = visitor.get("/{{ 'static/' if cookiecutter.__spa else '' }}nowhere", headers=BROWSER).expect(404)
    assert "Page not found" in page.text
    assert "/static/css/site.css" in page.text
    assert page.headers["Content-Language"] == "en"


def test_a_foreign_host_is_a_bad_request(visitor: MattClient, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    headers = {**BROWSER, "Host": "elsewhere.example"}
    assert "Bad request" in visitor.get("/", headers=headers).expect(400).text


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_an_error_page_needs_no_context_and_no_inline_code(name: str) -> None:
    page = render_to_string(f"{name}.html")
    assert "<h1>" in page
    assert "<script" not in page
    assert "style=" not in page


def test_stylesheets_are_found_in_static() -> None:
    assert finders.find("css/site.css")


def test_pages_of_other_sites_may_not_call_the_api(visitor: MattClient) -> None:
    answer = visitor.get("/api/health/live", headers={"Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
