"""The system checks ``matt_observability.…``: for the options, the URLs, and what observes requests twice."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from django_matt.contrib.observability.settings import get_settings

__all__ = ["check_instrumentation", "check_settings", "check_urls"]

_APP = "django_matt.contrib.observability"


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_OBSERVABILITY``, and an extra that an option needs."""
    try:
        options = get_settings()
        if options.TRACES is not None:
            from django_matt.contrib.observability import traces  # noqa: F401 - raises MissingExtra
    except (ImproperlyConfigured, ImportError) as error:
        hint = "Fix or remove the option in settings.MATT_OBSERVABILITY."
        return [Error(str(error), hint=hint, id="matt_observability.E001")]
    return []


def check_instrumentation(**_: Any) -> list[CheckMessage]:
    """Warn if OpenTelemetry's instrumentation of Django makes a second span of each request."""
    theirs = [name for name in settings.MIDDLEWARE if name.startswith("opentelemetry.")]
    if check_settings() or get_settings().TRACES is None or not theirs:
        return []
    return [
        CheckWarning(
            f"Each request has two spans: {theirs[0]} makes another one, which costs several times as much.",
            hint='Remove DjangoInstrumentor().instrument(), or MATT_OBSERVABILITY["TRACES"].',
            id="matt_observability.W001",
        )
    ]


def check_urls(**_: Any) -> list[CheckMessage]:
    """Warn if nobody can read what is observed."""
    if not getattr(settings, "ROOT_URLCONF", None) or not apps.is_installed(_APP):
        return []
    try:
        reverse("matt_observability:requests")
    except NoReverseMatch:
        return [
            CheckWarning(
                "The metrics and the page of the last requests have no address.",
                hint='Add path("", include("django_matt.contrib.observability.urls")) to your URLs.',
                id="matt_observability.W002",
            )
        ]
    return []
