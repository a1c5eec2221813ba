"""The system checks of the app."""

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.magic_links import checks
from django_matt.contrib.magic_links.settings import get_settings


def found(**options):
    return [m.id for m in run_checks(**options) if m.id.startswith("matt_magic_links")]


@pytest.mark.parametrize(
    "options",
    [
        {"LIFETIME": 601},
        {"LIFETIME": "600"},
        {"CODE_LENGTH": 5},
        {"CODE_ATTEMPTS": 0},
        {"RECIPIENT_LIMIT": (0, 1)},
        {"CLIENT_LIMIT": (1,)},
        {"UNKNOWN": "error"},
        {"URL": "/sign-in"},
    ],
)
def test_e001_an_invalid_option(settings, options):
    (name,) = options
    settings.MATT_MAGIC_LINKS = options
    with pytest.raises(ImproperlyConfigured, match=name):
        get_settings()
    assert [message.id for message in checks.check_settings()] == ["matt_magic_links.E001"]
    assert checks.check_page() == checks.check_deployment() == []


def test_w001_a_mail_without_a_link(project, settings):
    assert "matt_magic_links.W001" not in found()
    settings.ROOT_URLCONF = "tests.sign_in.urls"
    assert "matt_magic_links.W001" in found()
    settings.MATT_MAGIC_LINKS = {"URL": "https://example.com/enter"}
    assert "matt_magic_links.W001" not in found()


def test_without_a_page_the_mail_has_only_the_code(browser, ada, settings, serve):
    from django.core import mail

    from django_matt import MattAPI
    from tests.sign_in.magic_links.conftest import ROUTE, newest_mail

    serve(MattAPI(extensions=["matt_magic_links"]))
    browser.post(ROUTE, {"email": "ada@example.com"})
    assert "http" not in mail.outbox[-1].body
    assert browser.redeem(code=newest_mail().code).status_code == 200


def test_deployment_checks(settings):
    assert found(include_deployment_checks=True) == ["matt_magic_links.W001"]
    settings.ALLOWED_HOSTS = [".example.com"]
    assert "matt_magic_links.E002" in found(include_deployment_checks=True)
    settings.MATT_MAGIC_LINKS = {"URL": "http://example.com/enter"}
    assert found(include_deployment_checks=True) == ["matt_magic_links.E003"]
