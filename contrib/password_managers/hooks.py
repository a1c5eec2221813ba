"""The hook that names the metadata of an API in its challenges (RFC 9728, 5.1)."""

from typing import Any, Self

from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from ninja.operation import Operation

from django_matt.contrib.password_managers.resources import METADATA_PATH, needs_token
from django_matt.hooks import Call, OperationHook
from django_matt.security_schemes import each_callback

__all__ = ["NamesMetadata"]


class NamesMetadata(OperationHook):
    """Adds ``resource_metadata`` to the ``Bearer`` challenge of a 401 or 403."""

    never_blocks = True

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook for routes that accept an access token."""
        return cls() if any(map(needs_token, each_callback(operation.auth_callbacks))) else None

    def answered(self, call: Call, response: HttpResponseBase) -> None:
        """Add the parameter, if the project has the metadata at its root."""
        if response.status_code not in {401, 403}:
            return
        challenge = response.headers.get("WWW-Authenticate", "")
        before, bearer, rest = challenge.partition("Bearer")
        if not bearer or "resource_metadata" in challenge or not _is_at_root():
            return
        try:
            root = call.api.get_root_path({}).rstrip("/")
        except NoReverseMatch:
            # Its path has a parameter, so it has no metadata: see find_resources().
            return
        address = call.request.build_absolute_uri(METADATA_PATH + root)
        separator = ", " if rest[:1] == " " else ""
        response.headers["WWW-Authenticate"] = (
            f'{before}Bearer resource_metadata="{address}"{separator}{rest.removeprefix(" ")}'
        )


def _is_at_root() -> bool:
    try:
        return reverse("matt_protected_resource") == METADATA_PATH
    except NoReverseMatch:
        return False
