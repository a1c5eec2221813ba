"""One Content-Security-Policy for each path: over Django's own middleware, and over django-csp."""

import logging
import sys
from types import ModuleType

import django
import pytest
from asgiref.sync import async_to_sync
from csp.decorators import csp as csp_decorator
from csp.decorators import csp_exempt, csp_update
from django.apps import AppConfig
from django.core.checks import run_checks
from django.core.checks.registry import registry
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path, reverse

from django_matt import MattAPI
from django_matt.extensions import ContributesPolicy
from django_matt.policies import PolicyMiddleware
from django_matt.policy_checks import check_policies, check_unsafe_policies

# Other checks than ours ask the database.
pytestmark = pytest.mark.django_db

DJANGO = "django.middleware.csp.ContentSecurityPolicyMiddleware"
DJANGO_CSP = "csp.middleware.CSPMiddleware"
OURS = "django_matt.policies.PolicyMiddleware"
WRITERS = [DJANGO_CSP, *([DJANGO] if django.VERSION >= (6, 0) else [])]
BASE = {"default-src": ["'self'"], "object-src": ["'none'"]}
POLICIES = {}


class One(AppConfig):
    name = label = "policy_one"
    path = "."

    def policies(self):
        found = POLICIES.get(self.label, {})
        return found() if callable(found) else found


class Two(One):
    name = label = "policy_two"


def page(request, **parameters):
    return HttpResponse("page")


async def async_page(request):
    return HttpResponse("page")


def own_header(request):
    return HttpResponse("page", headers={"Content-Security-Policy": "default-src 'none'"})


def own_policy(request):
    return HttpResponse("page")


if django.VERSION >= (6, 0):
    from django.views.decorators.csp import csp_override

    django_own = csp_override({"default-src": ["own.test"]})(own_policy)
else:
    django_own = own_policy

api = MattAPI(urls_namespace="policies")


@api.get("/hello")
def hello(request):
    return {}


urlpatterns = [
    path("", page),
    path("dash", page, name="dash"),
    path("dash/", page),
    path("dash/deep/", page),
    path("dash/reports/", page),
    path("dash/async/", async_page),
    path("dash/header/", own_header),
    path("dash/own/", csp_decorator({"default-src": ["own.test"]})(own_policy)),
    path("dash/django-own/", django_own),
    path("dash/update/", csp_update({"img-src": ["img.test"]})(page)),
    path("dash/exempt/", csp_exempt()(page)),
    path("dashboard/", page),
    path("dash/api/", api.urls),
    path("dash/included/", include([path("x/", page)])),
]


def parsed(response):
    header = response.headers.get("Content-Security-Policy")
    if header is None:
        return None
    parts = [part.strip().partition(" ") for part in header.split(";")]
    return {name: sources.split() for name, _, sources in parts}


@pytest.fixture(params=WRITERS)
def writer(request):
    return request.param


@pytest.fixture
def install(settings, monkeypatch, writer):
    """Return ``install(one=…, two=…)``: a project with both apps, their policies, and a client."""
    for config in (One, Two):
        monkeypatch.setitem(sys.modules, config.name, ModuleType(config.name))
    settings.ROOT_URLCONF = __name__
    settings.SECURE_CSP = BASE
    settings.SECURE_CSP_REPORT_ONLY = {}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": BASE}
    settings.MIDDLEWARE = [writer, OURS]

    def make(one=None, two=None):
        POLICIES.clear()
        labels = {"policy_one": one, "policy_two": two}
        POLICIES.update({label: found for label, found in labels.items() if found is not None})
        settings.INSTALLED_APPS = [
            *settings.INSTALLED_APPS,
            *(f"{__name__}.{config.__name__}" for config in (One, Two) if config.label in POLICIES),
        ]
        return Client()

    yield make
    POLICIES.clear()


STYLES = {"style-src": ["'self'", "'unsafe-inline'"]}


def test_the_checks_are_registered_where_an_app_contributes():
    registered = {*registry.registered_checks, *registry.deployment_checks}
    assert {check_policies, check_unsafe_policies} <= registered


def found(ids, **options):
    return [each for each in run_checks(**options) if each.id in ids]


def test_a_contribution_replaces_its_directives_below_its_path_and_leaves_the_others(install):
    client = install({"/dash/": {**STYLES, "object-src": ["'self'"]}})
    expected = {
        "default-src": ["'self'"],
        "object-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
    }
    for url in ("/dash/", "/dash", "/dash/deep/", "/dash/included/x/", "/dash/api/hello"):
        assert parsed(client.get(url)) == expected, url


def test_all_other_paths_keep_the_policy_of_the_project(install):
    client = install({"/dash/": STYLES})
    for url in ("/", "/dashboard/"):
        assert parsed(client.get(url)) == BASE, url


def test_the_longest_prefix_applies_alone(install):
    client = install({"/dash/": STYLES}, {"/dash/reports": {"img-src": ["img.test"]}})
    assert parsed(client.get("/dash/reports/")) == {**BASE, "img-src": ["img.test"]}
    assert parsed(client.get("/dash/deep/")) == {**BASE, **STYLES}


def test_two_apps_may_name_different_directives_of_one_path(install):
    client = install({"/dash/": STYLES}, {"/dash": {"img-src": ["img.test"]}})
    assert parsed(client.get("/dash/")) == {**BASE, **STYLES, "img-src": ["img.test"]}
    assert found({"matt.E008", "matt.W007"}) == []


def test_it_serves_async(install):
    install({"/dash/": STYLES})
    get = async_to_sync(AsyncClient().get)
    assert parsed(get("/dash/async/")) == {**BASE, **STYLES}
    assert parsed(get("/dash/")) == {**BASE, **STYLES}
    assert parsed(get("/")) == BASE


def test_a_header_of_the_view_wins(install):
    client = install({"/dash/": STYLES})
    assert parsed(client.get("/dash/header/")) == {"default-src": ["'none'"]}


def test_a_decorator_of_the_view_wins(install, writer):
    client = install({"/dash/": STYLES})
    url = "/dash/own/" if writer == DJANGO_CSP else "/dash/django-own/"
    assert parsed(client.get(url)) == {"default-src": ["own.test"]}


def test_decorators_of_django_csp_apply_on_top(install, writer):
    client = install({"/dash/": STYLES})
    if writer == DJANGO_CSP:
        assert parsed(client.get("/dash/update/")) == {**BASE, **STYLES, "img-src": ["img.test"]}
        assert parsed(client.get("/dash/exempt/")) is None


def test_our_own_pages_keep_their_policy(install):
    client = install({"/dash/": {"script-src": ["'unsafe-inline'"]}})
    assert "'unsafe-inline'" not in client.get("/dash/api/docs").headers["Content-Security-Policy"]


def test_a_path_below_which_no_policy_is_written_gets_none(install, settings):
    settings.SECURE_CSP = {}
    settings.CONTENT_SECURITY_POLICY = None
    client = install({"/dash/": STYLES})
    assert parsed(client.get("/dash/")) is None


def test_a_policy_that_is_only_reported_is_changed_too(install, settings):
    settings.SECURE_CSP_REPORT_ONLY = BASE
    settings.CONTENT_SECURITY_POLICY_REPORT_ONLY = {"DIRECTIVES": BASE}
    client = install({"/dash/": STYLES})
    reported = client.get("/dash/").headers["Content-Security-Policy-Report-Only"]
    assert "style-src 'self' 'unsafe-inline'" in reported
    assert "style-src" not in client.get("/").headers["Content-Security-Policy-Report-Only"]


def test_an_app_may_reverse_its_path(install):
    client = install(lambda: {reverse("dash"): STYLES})
    assert parsed(client.get("/dash/")) == {**BASE, **STYLES}


def test_without_an_app_that_contributes_the_middleware_is_not_used(install):
    client = install()
    assert parsed(client.get("/dash/")) == BASE
    assert not isinstance(AppConfig("tests", sys.modules["tests"]), ContributesPolicy)
    with pytest.raises(MiddlewareNotUsed):
        PolicyMiddleware(page)


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        ({"dash/": STYLES}, "does not begin with a slash"),
        ({"/dash/": {"style-src": "'self'"}}, "is a string"),
        ({"/dash/": {"style-src": []}}, "has no sources"),
    ],
)
def test_an_app_that_fails_is_left_out_and_named(install, caplog, policies, said):
    client = install(policies, {"/dash/": {"img-src": ["img.test"]}})
    with caplog.at_level(logging.ERROR, "django_matt.policies"):
        assert parsed(client.get("/dash/")) == {**BASE, "img-src": ["img.test"]}
    assert "'policy_one' is ignored" in caplog.text
    (error,) = found({"matt.E008"})
    assert "policy_one" in error.msg
    assert said in error.msg


def test_two_apps_that_name_one_directive_are_reported_and_the_first_is_used(install):
    client = install({"/dash/": STYLES}, {"/dash": {"style-src": ["other.test"]}})
    assert parsed(client.get("/dash/")) == {**BASE, **STYLES}
    (error,) = found({"matt.E008"})
    assert "'policy_one' and 'policy_two' both contribute style-src" in error.msg


def test_a_contribution_that_no_middleware_writes_is_reported(install, settings, writer):
    install({"/dash/": STYLES})
    assert found({"matt.W007"}) == []
    for middleware, said in (
        ([], "no middleware writes the header"),
        ([OURS], "no middleware writes the header"),
        ([writer], "is not in MIDDLEWARE"),
        ([OURS, writer], "is above the middleware"),
        ([f"{__name__}.Renamed", OURS], "does not support _csp_config"),
    ):
        settings.MIDDLEWARE = middleware
        (warning,) = found({"matt.W007"})
        assert said in warning.msg


class Renamed:
    """Stands for the middleware of a release that looks for another attribute."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)


Renamed.__module__ = "csp.middleware"


def test_unsafe_scripts_are_listed_before_a_deployment(install):
    install({"/dash/": {"script-src": ["'self'", "'unsafe-eval'"], **STYLES}})
    (warning,) = found({"matt.W008"}, include_deployment_checks=True)
    assert "'policy_one' allows 'unsafe-eval' in script-src below '/dash/'" in warning.msg
    assert found({"matt.W008"}) == []
