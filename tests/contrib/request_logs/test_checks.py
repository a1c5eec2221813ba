"""What the system checks say of the settings, of the middleware's place, and of ``LOGGING``."""

import logging

import pytest
from django.core.checks import run_checks

from django_matt.contrib.request_logs.checks import (
    check_logging,
    check_middleware,
    check_settings,
)

from .conftest import APP, MIDDLEWARE

SECURITY = "django.middleware.security.SecurityMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"


def test_a_project_that_has_it_all_is_told_nothing(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]
    settings.MIDDLEWARE = [MIDDLEWARE, *settings.MIDDLEWARE]
    assert [each for each in run_checks() if "request_logs" in str(each.id)] == []


def test_an_option_that_does_not_exist_is_an_error(settings_module):
    settings_module("MATT_REQUEST_LOGS", {"TRUST_REQUEST_IDS": True})
    (error,) = check_settings()
    assert error.id == "matt_request_logs.E001"
    assert "'TRUST_REQUEST_IDS'" in error.msg


def test_a_value_of_the_wrong_type_is_an_error(settings):
    settings.MATT_REQUEST_LOGS = {"QUERIES": "yes"}
    (error,) = check_settings()
    assert error.msg == "settings.MATT_REQUEST_LOGS[\"QUERIES\"] is 'yes'; it is True or False."


def test_a_missing_middleware_is_told(settings):
    settings.MIDDLEWARE = [COMMON]
    (warning,) = check_middleware()
    assert warning.id == "matt_request_logs.W001"
    assert MIDDLEWARE in str(warning.hint)


@pytest.mark.parametrize(
    ("middleware", "ids"),
    [
        ([MIDDLEWARE, COMMON], []),
        ([SECURITY, "whitenoise.middleware.WhiteNoiseMiddleware", MIDDLEWARE, COMMON], []),
        ([SECURITY, COMMON, MIDDLEWARE], ["matt_request_logs.W002"]),
        (["django.middleware.cache.UpdateCacheMiddleware", MIDDLEWARE], ["matt_request_logs.W002"]),
    ],
)
def test_a_middleware_of_django_above_it_is_told(settings, middleware, ids):
    settings.MIDDLEWARE = middleware
    assert [each.id for each in check_middleware()] == ids


def test_lines_that_no_handler_gets_are_told(log_to, monkeypatch):
    log_to()
    assert check_logging() == []
    # Undone here, and not after the fixture has restored the handlers.
    with monkeypatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", [])
        (warning,) = check_logging()
    assert warning.id == "matt_request_logs.W003"
    assert "logging_config(debug=DEBUG)" in str(warning.hint)
