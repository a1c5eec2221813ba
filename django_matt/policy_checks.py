"""The system checks of policies: contributions that contradict each other, or that nothing writes, and unsafe ones."""

from collections.abc import Iterator
from inspect import getmembers, isfunction
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.utils.module_loading import import_string

from django_matt.policies import apps_with_policies, find_writer, policies_of

__all__ = ["check_policies", "check_unsafe_policies"]

_MIDDLEWARE = "django_matt.policies.PolicyMiddleware"
_UNSAFE = {"'unsafe-inline'", "'unsafe-eval'"}
_SCRIPTS = ("script-src", "script-src-elem", "script-src-attr", "default-src")


@register("matt")
def check_policies(**_: Any) -> list[CheckMessage]:
    """Report contributions to the Content-Security-Policy that fail, contradict each other, or reach no response."""
    if not apps_with_policies():
        return []
    return [*_check_contributions(), *_check_middlewares()]


def _check_contributions() -> Iterator[CheckMessage]:
    seen: dict[tuple[str, str], Any] = {}
    for app in apps_with_policies():
        try:
            policies = policies_of(app)
        except Exception as error:  # noqa: BLE001 - code of an app's
            yield Error(
                f"The app {app.label!r} contributes an invalid Content-Security-Policy: {type(error).__name__}: {error}.",
                hint="Its pages get the project's policy. Fix its policies(), or remove the app.",
                id="matt.E008",
            )
            continue
        for prefix, directives in policies.items():
            for name in directives:
                first = seen.setdefault((f"{prefix.rstrip('/')}/", name), app)
                if first is not app:
                    yield Error(
                        f"The apps {first.label!r} and {app.label!r} both contribute {name} for {prefix!r}.",
                        hint=f"That of {first.label!r} is used, because it comes first in INSTALLED_APPS. Let only one of the apps set it.",
                        id="matt.E008",
                    )


def _check_middlewares() -> Iterator[CheckMessage]:
    labels = ", ".join(repr(app.label) for app in apps_with_policies())
    writer = find_writer()
    places = [place for place, name in enumerate(settings.MIDDLEWARE) if name == _MIDDLEWARE]
    problem = None
    if writer is None:
        problem = (
            "no middleware writes the header",
            "Add django.middleware.csp.ContentSecurityPolicyMiddleware (Django 6), or csp.middleware.CSPMiddleware of"
            f' django-csp, to MIDDLEWARE, and below it "{_MIDDLEWARE}".',
        )
    elif not places:
        problem = (
            f"{_MIDDLEWARE} is not in MIDDLEWARE",
            f"Add it below {settings.MIDDLEWARE[writer[0]]}.",
        )
    elif places[0] < writer[0]:
        problem = (
            f"{_MIDDLEWARE} is above the middleware that writes the header",
            f"Move it below {settings.MIDDLEWARE[writer[0]]}.",
        )
    elif not _reads(settings.MIDDLEWARE[writer[0]], writer[1].enforced):
        problem = (
            f"{settings.MIDDLEWARE[writer[0]]} does not support {writer[1].enforced} on a response",
            "Install a release of Django or django-csp that Django Matt is tested with.",
        )
    if problem is not None:
        what, hint = problem
        yield Warning(
            f"The Content-Security-Policy that {labels} contributes is not in any response: {what}.",
            hint=hint,
            id="matt.W007",
        )


def _reads(name: str, attribute: str) -> bool:
    """Tell whether a method of a middleware looks for an attribute."""
    cls = import_string(name)
    return any(attribute in each.__code__.co_consts for _, each in getmembers(cls, isfunction))


@register("matt", deploy=True)
def check_unsafe_policies(**_: Any) -> list[CheckMessage]:
    """List the paths below which an app allows scripts that the project's own pages could not have."""
    found: list[CheckMessage] = []
    for app in apps_with_policies():
        try:
            policies = policies_of(app)
        except Exception:  # noqa: BLE001, S112 - matt.E008 reports it
            continue
        for prefix, directives in policies.items():
            for name in _SCRIPTS:
                unsafe = sorted(_UNSAFE & set(directives.get(name, ())))
                if unsafe:
                    found.append(
                        Warning(
                            f"The app {app.label!r} allows {' and '.join(unsafe)} in {name} below {prefix!r}.",
                            hint='Remove the app, or accept it: SILENCED_SYSTEM_CHECKS = ["matt.W008"].',
                            id="matt.W008",
                        )
                    )
    return found
