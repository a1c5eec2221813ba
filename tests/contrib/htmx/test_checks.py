"""The system checks: each says what is wrong and what to do."""

from typing import Any

import django
import pytest

from django_matt.contrib.htmx.checks import check_apps, check_middleware, check_settings


def said(found: list[Any]) -> list[tuple[str, str]]:
    return [(each.id, each.hint) for each in found]


def test_a_project_as_documented_has_no_complaints():
    assert [*check_settings(), *check_apps(), *check_middleware()] == []


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"VERSOIN": 4}, "Fix or remove the option in settings.MATT_HTMX."),
        ({"VERSION": 3}, "Set it to 4 or to 2."),
        ({"EXTENSIONS": ["sse", "../x"]}, "Choose among: "),
        ({"EXTENSIONS": "sse"}, "Choose among: "),
    ],
)
def test_a_wrong_option(settings_module, value, hint):
    settings_module("MATT_HTMX", value)
    ((identity, shown),) = said(check_settings())
    assert identity == "matt_htmx.E001"
    assert shown.startswith(hint)


def test_a_missing_app(settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "django_htmx"]
    assert said(check_apps()) == [("matt_htmx.E002", 'Add "django_htmx" to INSTALLED_APPS.')]


@pytest.mark.skipif(django.VERSION >= (6, 0), reason="Django has partials")
def test_missing_partials(settings):
    settings.INSTALLED_APPS = [
        name for name in settings.INSTALLED_APPS if "template_partials" not in name
    ]
    ((identity, hint),) = said(check_apps())
    assert identity == "matt_htmx.E003"
    assert '"template_partials.apps.SimpleAppConfig"' in hint


def test_a_missing_middleware_and_one_too_many(settings):
    ours = "django_matt.contrib.htmx.middleware.HtmxMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_htmx.middleware.HtmxMiddleware"]
    assert said(check_middleware()) == [("matt_htmx.W001", "Remove it from MIDDLEWARE.")]
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != ours]
    ((identity, hint),) = said(check_middleware())
    assert identity == "matt_htmx.E004"
    assert hint.startswith(f'Add "{ours}" to MIDDLEWARE')
