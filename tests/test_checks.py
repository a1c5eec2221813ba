"""``manage.py check`` and ``check --deploy`` know our mistakes, through the command."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from ninja.throttling import AnonRateThrottle

from django_matt import MattAPI, checks, option_names
from django_matt.discovery import find_apis


def deploy() -> str:
    out = StringIO()
    call_command("check", "--deploy", "--tag", "matt", stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("MATT", {"MAX_ERORS": 1}, "matt.E001"),
        ("MATT", {"ASGI_THREADS": 0}, "matt.E001"),
        ("MATT", {"ASGI_THREADS": "16"}, "matt.E001"),
        ("MATT", {"TRUSTED_PROXIES": -1}, "matt.E001"),
        ("MATT", {"TRUSTED_PROXIES": True}, "matt.E001"),
        ("MATT", {"TRUSTED_PROXIES": "10.0.0.0/8"}, "matt.E001"),
        ("MATT", {"TRUSTED_PROXIES": ["planet"]}, "matt.E001"),
        ("MATT", {"TRUSTED_PROXIES": ["10.0.0.1/8"]}, "matt.E001"),
        ("INSTALLED_APPS", ["django.contrib.staticfiles", "django_matt"], "matt.E002"),
    ],
)
def test_a_mistake_in_the_settings_is_an_error_with_a_hint(settings_module, name, value, word):
    settings_module(name, value)
    with pytest.raises(SystemCheckError, match=word) as failed:
        call_command("check", "--tag", "matt")
    assert "HINT" in str(failed.value)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"MAX_ERORS": 1}, "Did you mean MAX_ERRORS instead of MAX_ERORS?"),
        ({"max_page_size": 1}, "Did you mean MAX_PAGE_SIZE instead of max_page_size?"),
        ({"PAGE_LIMIT": 1}, "PAGE_LIMIT is MAX_PAGE_SIZE since Django Matt 1.3."),
        ({"FAST": 1}, "FAST is gone since Django Matt 1.4. Remove it: every list is."),
        ({"COLOUR": 1}, "Correct or remove the option"),
        ({1: 1, "TIER": "fast"}, "Correct or remove the option"),
        ({"TIER": "fast"}, "Correct or remove the option"),
    ],
)
def test_an_option_that_does_not_exist_is_explained(settings_module, monkeypatch, options, hint):
    gone = {"PAGE_LIMIT": ("1.3", "MAX_PAGE_SIZE"), "FAST": ("1.4", "Remove it: every list is.")}
    for name, values in gone.items():
        monkeypatch.setitem(option_names.GONE, name, option_names.Gone(*values))
    settings_module("MATT", options)
    with pytest.raises(SystemCheckError) as failed:
        call_command("check", "--tag", "matt")
    assert hint in str(failed.value)


def test_throttles_that_count_in_each_process_are_a_warning(serve):
    api = MattAPI(title="Throttled", throttle=AnonRateThrottle("5/m"))

    @api.get("/it")
    def it(request):
        return {}

    serve(api)
    assert [(found.title, path) for found, path in find_apis()] == [("Throttled", "/api/")]
    assert "matt.W003" in deploy()
    serve(MattAPI())
    assert "matt.W003" not in deploy()


def test_errors_written_nowhere_are_a_warning(settings):
    settings.LOGGING_CONFIG = "logging.config.dictConfig"
    assert "matt.W002" in deploy()
    settings.ADMINS = [("Ada", "ada@example.com")]
    assert "matt.W002" not in deploy()


def test_a_plain_encoder_is_a_warning(monkeypatch):
    monkeypatch.setattr(checks, "COMPILED", False)
    assert "matt.W001" in deploy()
    monkeypatch.setattr(checks, "COMPILED", True)
    assert "matt.W001" not in deploy()


@pytest.mark.parametrize(
    ("trusted", "other", "value", "warns"),
    [
        (0, "NINJA_NUM_PROXIES", 1, False),  # nothing here reads the address of a client
        (1, "NINJA_NUM_PROXIES", 1, False),
        (1, "NINJA_NUM_PROXIES", None, False),
        (1, "NINJA_NUM_PROXIES", 2, True),
        (["10.0.0.0/8"], "NINJA_NUM_PROXIES", 0, True),
        (["10.0.0.0/8"], "NINJA_NUM_PROXIES", 2, False),
    ],
)
def test_libraries_that_trust_other_proxies_are_a_warning(settings, trusted, other, value, warns):
    settings.MATT = {"TRUSTED_PROXIES": trusted}
    setattr(settings, other, value)
    assert [each.id for each in checks.check_proxies()] == ["matt.W010"] * warns
