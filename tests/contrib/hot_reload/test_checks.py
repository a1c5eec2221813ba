"""What the system checks say of an installation."""

import pytest
from django.core.checks.registry import registry
from django.core.management import call_command, get_commands
from django.core.management.base import SystemCheckError

from django_matt.contrib.hot_reload.checks import check_deployment

APP = "django_matt.contrib.hot_reload"
MIDDLEWARE = f"{APP}.middleware.HotReloadMiddleware"


@pytest.fixture
def complaints(settings, capsys, monkeypatch):
    settings.SILENCED_SYSTEM_CHECKS = []
    # What an installed app registers would stay for the tests of others.
    for name in ("registered_checks", "deployment_checks"):
        monkeypatch.setattr(registry, name, set(getattr(registry, name)))

    def run(deploy=False):
        get_commands.cache_clear()
        try:
            call_command("check", "--tag", "matt", deploy=deploy)
        except SystemCheckError as error:
            said = str(error)
        else:
            said = capsys.readouterr().err
        get_commands.cache_clear()
        return sorted({word.strip("()?:") for word in said.split() if "matt_hot_reload." in word})

    return run


def install(settings, *, first=True, debug=True, middleware=(MIDDLEWARE,), **options):
    settings.DEBUG = debug
    others = list(settings.INSTALLED_APPS)
    settings.INSTALLED_APPS = [APP, *others] if first else [*others, APP]
    settings.MIDDLEWARE = [*middleware, *settings.MIDDLEWARE]
    settings.MATT_HOT_RELOAD = options


def test_a_good_installation_is_left_in_peace(settings, complaints):
    install(settings)
    assert complaints() == []


def test_a_deployment_is_refused(settings, complaints):
    install(settings, debug=False, middleware=())
    assert "matt_hot_reload.E001" in complaints(deploy=True)


def test_a_check_with_debug_on_is_told_to_turn_it_off(settings):
    for debug in (True, False):
        settings.DEBUG = debug
        (error,) = check_deployment()
        assert ("check with DEBUG off" in str(error.hint)) is debug


def test_debug_off_is_a_warning(settings, complaints):
    install(settings, debug=False, middleware=())
    assert complaints() == ["matt_hot_reload.W001"]


def test_an_unknown_option_is_an_error(settings, settings_module, complaints):
    install(settings)
    settings_module("MATT_HOT_RELOAD", {"TURBO": True})
    assert complaints() == ["matt_hot_reload.E002"]


def test_another_runserver_in_front_is_named(settings, complaints):
    install(settings, first=False)
    assert complaints() == ["matt_hot_reload.W002"]


def test_a_missing_middleware_is_named(settings, complaints):
    install(settings, middleware=())
    assert complaints() == ["matt_hot_reload.W003"]


def test_a_middleware_in_front_of_compression_is_named(settings, complaints):
    install(settings, middleware=(MIDDLEWARE, "django.middleware.gzip.GZipMiddleware"))
    assert complaints() == ["matt_hot_reload.W004"]
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", MIDDLEWARE]
    assert complaints() == []
