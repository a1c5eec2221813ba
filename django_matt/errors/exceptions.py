"""The exceptions to raise: one root class, status and code as class attributes."""

# ruff: noqa: N818 - an exception here is named after what it answers, as Django's and Ninja Extra's are

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from ninja.errors import AuthenticationError, AuthorizationError, HttpError
from ninja_extra.exceptions import APIException

from django_matt.errors.missing_extra import MattError, MissingExtra

__all__ = [
    "SAFE",
    "BadRequest",
    "Conflict",
    "Gone",
    "InsufficientScope",
    "InvalidCredentials",
    "MattError",
    "MethodNotAllowed",
    "MissingExtra",
    "NotAcceptable",
    "NotAuthenticated",
    "NotFound",
    "PayloadTooLarge",
    "PermissionDenied",
    "PreconditionFailed",
    "PreconditionRequired",
    "Problem",
    "ServiceUnavailable",
    "TooManyRequests",
    "UnprocessableContent",
    "UnreadableRequest",
    "UnsupportedMediaType",
]

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""The methods that change nothing (RFC 9110, 9.2.1)."""


class Problem(MattError, APIException):
    """An error response (RFC 9457). Raise a subclass, or this class with a status.

    ``detail`` is a sentence for the client; by default, that of the class. ``code`` is a stable word for programs.
    ``headers`` are added to the response. Other keyword arguments become members of the problem document.

    >>> error = Conflict("The order is already paid.", code="order_paid", order=7)
    >>> error.status_code, error.code, error.members
    (409, 'order_paid', {'order': 7})
    """

    status_code: int = 500
    default_detail: Any = "A server error occurred."
    default_code: str = "error"
    # True if no route was reached: such an answer is a problem document whatever the API's other errors are.
    routing: bool = False

    def __init__(
        self,
        detail: Any = None,
        code: str | None = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        """Create the error; raise ``ValueError`` if the status is not between 400 and 599."""
        super().__init__(detail=detail, code=code)
        if status is not None:
            if not 400 <= status <= 599:
                raise ValueError(f"{status} is not the status of an error (400 to 599)")
            self.status_code = status
        self.code = code or self.default_code
        self.headers = dict(headers or {})
        self.members = members

    @property
    def title(self) -> str:
        """The short name of the status, the same for every occurrence (RFC 9457, 3.1.3)."""
        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:
            return "Error"


class BadRequest(Problem):
    """The request cannot be read."""

    status_code = 400
    default_detail = "The request cannot be read."
    default_code = "bad_request"


class NotAuthenticated(Problem):
    """The credentials are missing or wrong."""

    status_code = 401
    default_detail = "Credentials are missing or wrong."
    default_code = "not_authenticated"


class PermissionDenied(Problem):
    """The client is authenticated, but may not do this."""

    status_code = 403
    default_detail = "You do not have permission to do this."
    default_code = "permission_denied"


class NotFound(Problem):
    """There is no such object."""

    status_code = 404
    default_detail = "Not Found"
    default_code = "not_found"


class MethodNotAllowed(Problem):
    """The URL exists, but does not support the method; add an ``Allow`` header."""

    status_code = 405
    default_detail = "Method not allowed"
    default_code = "method_not_allowed"


class NotAcceptable(Problem):
    """No format is available that the client accepts."""

    status_code = 406
    default_detail = "None of the formats that you accept is available."
    default_code = "not_acceptable"


class Conflict(Problem):
    """The request conflicts with the stored data."""

    status_code = 409
    default_detail = "This conflicts with the stored data."
    default_code = "conflict"


class Gone(Problem):
    """The object existed and will not come back."""

    status_code = 410
    default_detail = "This is gone."
    default_code = "gone"


class PreconditionFailed(Problem):
    """An ``If-Match`` or ``If-Unmodified-Since`` condition is not met."""

    status_code = 412
    default_detail = "A precondition of the request failed."
    default_code = "precondition_failed"


class PayloadTooLarge(Problem):
    """The body is larger than the server accepts."""

    status_code = 413
    default_detail = "The request body is too large."
    default_code = "payload_too_large"


class UnsupportedMediaType(Problem):
    """The route does not support the format of the body."""

    status_code = 415
    default_detail = "The format of the request body is not supported."
    default_code = "unsupported_media_type"


class UnprocessableContent(Problem):
    """The request is well-formed, but cannot be processed."""

    status_code = 422
    default_detail = "The request cannot be carried out."
    default_code = "unprocessable_content"


class PreconditionRequired(Problem):
    """A write needs ``If-Match`` or another condition, so that it does not overwrite unseen changes (RFC 6585, 3)."""

    status_code = 428
    default_detail = "Send the ETag of what you change in If-Match."
    default_code = "precondition_required"


class TooManyRequests(Problem):
    """The client sends too many requests; add a ``Retry-After`` header."""

    status_code = 429
    default_detail = "Too many requests."
    default_code = "too_many_requests"


class ServiceUnavailable(Problem):
    """Something that the server needs is not available; add a ``Retry-After`` header."""

    status_code = 503
    default_detail = "The service is unavailable; try again soon."
    default_code = "service_unavailable"


class UnreadableRequest(MattError, HttpError):
    """A request that cannot be read: Ninja raises ``HttpError(400)`` for it, and this is a subclass of that.

    So a project's own handler of ``HttpError`` still handles it, unlike a ``Problem``. Without such a handler, the
    response is that of the ``BadRequest`` that it was created from.
    """

    def __init__(self, error: BadRequest) -> None:
        """Take the ``BadRequest`` that says why the request cannot be read."""
        HttpError.__init__(self, error.status_code, str(error.detail))
        self.code = error.code
        self.headers = error.headers
        self.members = error.members


class InvalidCredentials(MattError, AuthenticationError):
    """The request has credentials, and they are wrong: 401, even if it also has valid ones.

    It is a subclass of Ninja's ``AuthenticationError``, so a project's own handler of that class handles it.
    """

    code = "invalid_token"

    def __init__(
        self,
        detail: str = "The credentials are wrong, or no longer valid.",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take a sentence for the client; an authenticator adds the ``WWW-Authenticate`` header."""
        AuthenticationError.__init__(self, message=detail)
        self.headers = dict(headers or {})


class InsufficientScope(MattError, AuthorizationError):
    """The credentials are valid, but lack a scope: 403, with the scopes that are needed (RFC 6750, 3.1)."""

    code = "insufficient_scope"

    def __init__(self, detail: str | None = None, *, scopes: Sequence[str] = ()) -> None:
        """Take the scopes that are needed, and a sentence for the client."""
        needed = f"The credentials need the scope: {' '.join(scopes)}."
        AuthorizationError.__init__(self, message=detail or needed)
        self.headers: dict[str, str] = {}
