"""The URLs of the app: ``path("", include("django_matt.contrib.accounts.urls"))`` in the URLs of your project.

allauth's API is at ``_allauth/``, with the errors of this package. The pages, and the addresses that providers redirect to,
are at ``accounts/``.
"""

from typing import Any

from django.urls import include, path

from django_matt import MattAPI
from django_matt.contrib.accounts.guards import guarded_patterns
from django_matt.contrib.accounts.settings import get_settings

__all__ = ["urlpatterns"]

# Answers errors only; it has no routes, and no app extends it.
_errors = MattAPI(
    title="Accounts",
    urls_namespace="matt_accounts",
    extensions=[],
    openapi_url=None,
    docs_url=None,
)

urlpatterns: list[Any] = [
    path(
        "_allauth/",
        _errors.answer_errors(include(guarded_patterns()), max_body=get_settings().MAX_BODY),
    ),
    path("accounts/", include("django_matt.contrib.accounts.pages.urls")),
]
