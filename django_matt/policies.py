"""A Content-Security-Policy for each path: what the installed apps contribute to the project's policy.

Django's ``ContentSecurityPolicyMiddleware`` (6.0 and newer) or ``CSPMiddleware`` of django-csp sets the header. Both read the
policy of a view's decorator from attributes of the response. The middleware here sets these attributes.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from django_matt.extensions import ContributesPolicy

__all__ = [
    "Directives",
    "PolicyMiddleware",
    "Writer",
    "apps_with_policies",
    "collect_policies",
    "find_writer",
    "policies_of",
]

logger = logging.getLogger(__name__)

Directives = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Writer:
    """A middleware that writes the header, and where it takes a response's own policy from."""

    enforced: str
    """The attribute of a response with the directives that are enforced."""
    reported: str
    """The same for those whose violations are only reported."""

    def directives(self) -> tuple[Directives, Directives]:
        """Return the project's policies: the enforced one and the reported one, empty if there is none."""
        raise NotImplementedError


class _DjangoWriter(Writer):
    def directives(self) -> tuple[Directives, Directives]:
        return settings.SECURE_CSP or {}, settings.SECURE_CSP_REPORT_ONLY or {}


class _DjangoCspWriter(Writer):
    def directives(self) -> tuple[Directives, Directives]:
        names = ("CONTENT_SECURITY_POLICY", "CONTENT_SECURITY_POLICY_REPORT_ONLY")
        enforced, reported = (getattr(settings, name, None) for name in names)
        return _with_default(enforced), _with_default(reported)


def _with_default(setting: Any) -> Directives:
    """Return the directives of a setting of django-csp, which adds a ``default-src`` to every policy."""
    return {"default-src": ["'self'"], **setting.get("DIRECTIVES", {})} if setting else {}


_WRITERS: dict[str, Writer] = {
    "django.middleware.csp": _DjangoWriter("_csp_config", "_csp_ro_config"),
    "csp.middleware": _DjangoCspWriter("_csp_config", "_csp_config_ro"),
}
"""The middlewares that write the header, by their module."""


def find_writer() -> tuple[int, Writer] | None:
    """Return the place in ``MIDDLEWARE`` of what writes the header, and what it is; None if nothing writes it.

    A class that derives from one of the two counts as well.
    """
    for place, name in enumerate(settings.MIDDLEWARE):
        try:
            middleware = import_string(name)
        except ImportError:
            continue  # Django reports it itself
        for cls in getattr(middleware, "__mro__", ()):
            if cls.__module__ in _WRITERS:
                return place, _WRITERS[cls.__module__]
    return None


def apps_with_policies() -> list[Any]:
    """Return the installed apps that contribute policies, in the order of ``INSTALLED_APPS``."""
    return [config for config in apps.get_app_configs() if isinstance(config, ContributesPolicy)]


def policies_of(app: Any) -> dict[str, dict[str, list[str]]]:
    """Return what one app contributes; raise ``ValueError`` for an invalid policy. The app may raise other exceptions."""
    found: dict[str, dict[str, list[str]]] = {}
    for prefix, directives in app.policies().items():
        if not prefix.startswith("/"):
            raise ValueError(f"the path {prefix!r} does not begin with a slash")
        for name, sources in directives.items():
            if isinstance(sources, str):
                raise ValueError(f"{name} of {prefix!r} is a string; it must be a list of sources")
            if not sources:
                raise ValueError(f"{name} of {prefix!r} has no sources; 'none' is a source")
            found.setdefault(prefix, {})[name] = list(sources)
    return found


def collect_policies() -> Iterator[tuple[Any, dict[str, dict[str, list[str]]]]]:
    """Yield each app with what it contributes. An app that fails is logged and skipped, so the stricter policy applies."""
    for app in apps_with_policies():
        try:
            yield app, policies_of(app)
        except Exception:
            logger.exception("The Content-Security-Policy of the app %r is ignored.", app.label)


class PolicyMiddleware:
    """Sets the policy of each response by its path. Put it directly below the middleware that sets the header.

    The policy of the longest matching prefix applies. The policy of a view's decorator overrides it, and a header that
    the view sets itself overrides both. If no installed app contributes, Django leaves this middleware out.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Take the next middleware; raises ``MiddlewareNotUsed`` where there is nothing to do."""
        writer = find_writer()
        if writer is None or not apps_with_policies():
            raise MiddlewareNotUsed
        _, self._writer = writer
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Pass the request on, and leave the policy on its response."""
        if self._is_async:
            return self._answer_async(request)
        return self._with_policy(request, self._get_response(request))

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        return self._with_policy(request, await self._get_response(request))

    def _with_policy(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        for prefix, policies in self._policies:
            # Whole segments: `/admin` is no prefix of `/administration`.
            if f"{request.path_info}/".startswith(prefix):
                for attribute, policy in policies.items():
                    if not hasattr(response, attribute):
                        setattr(response, attribute, policy)
                break
        return response

    @cached_property
    def _policies(self) -> list[tuple[str, dict[str, Directives]]]:
        """The policies by the attribute of the response, for each prefix, the longest first.

        They are merged at the first response: an app may reverse a URL, and the URLs may not be imported before.
        """
        contributed: dict[str, dict[str, list[str]]] = {}
        for _, policies in collect_policies():
            for prefix, directives in policies.items():
                merged = contributed.setdefault(f"{prefix.rstrip('/')}/", {})
                for name, sources in directives.items():
                    merged.setdefault(name, sources)
        names = (self._writer.enforced, self._writer.reported)
        found: list[tuple[str, dict[str, Directives]]] = [
            (
                prefix,
                {
                    # Where the project has no policy there is nothing to change.
                    name: {**policy, **directives}
                    for name, policy in zip(names, self._writer.directives(), strict=True)
                    if policy
                },
            )
            for prefix, directives in contributed.items()
        ]
        return sorted(found, key=lambda each: -len(each[0]))
