"""What the apps that sign users in need of each other: Protocols, and functions that use whichever app is installed.

None of these apps imports another one. An app whose ``AppConfig`` has the method of a Protocol offers it to the others.
Nothing here is imported before an app of this kind is installed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable
from uuid import UUID

from django.apps import apps
from django.contrib.auth import login
from django.http import HttpRequest

__all__ = [
    "AuthenticationRecord",
    "ChecksLimits",
    "CompletesLogin",
    "EndsTenantCredentials",
    "ExportsAccount",
    "Impersonates",
    "Impersonation",
    "IssuedTokens",
    "IssuesTokens",
    "LoginOutcome",
    "ManagesTenants",
    "Method",
    "RecordsSecurityEvents",
    "RemembersAuthentication",
    "ResolvesTenant",
    "SecurityEvent",
    "SignedInRequest",
    "authentication_records",
    "check_limit",
    "complete_login",
    "current_tenant",
    "end_tenant_credentials",
    "installed",
    "is_impersonated",
    "issue_tokens",
    "may_manage_tenant",
    "name_principal",
    "pinned_tenant",
    "principal_of",
    "record_security_event",
    "revoke_tokens",
]

Method = Literal["password", "passkey", "code", "link", "oidc", "totp", "recovery_code"]
"""How somebody proved who they are. ``code`` and ``link`` were sent by e-mail."""

Offered = TypeVar("Offered")
User = TypeVar("User")


class SignedInRequest(HttpRequest, Generic[User]):
    """The type of the request of a route that needs a user: ``request: SignedInRequest[User]``, for type checkers.

    >>> def profile(request: SignedInRequest[User]) -> str: ...
    """

    user: User  # type: ignore[assignment] # narrower: the route needs a user
    auth: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent:
    """Something that happened to an account, for the audit log; ``data`` has no secrets and no credentials.

    The names are: ``signed_up``, ``signed_in``, ``sign_in_failed``, ``signed_out``, ``password_changed``, ``email_changed``,
    ``factor_added``, ``factor_removed``, ``recovery_codes_made``, ``link_sent``, ``tokens_issued``, ``token_reused``,
    ``tokens_revoked``, ``key_created``, ``key_rotated``, ``key_revoked``, ``key_ring_rotated``, ``limit_reached``,
    ``organization_created``, ``invitation_sent``, ``invitation_revoked``, ``invitation_accepted``, ``role_changed``,
    ``membership_removed``, ``domain_verified``, ``identity_provider_changed``, ``impersonation_started``, ``impersonation_ended``, ``account_exported``,
    ``account_deleted``.
    """

    name: str
    request: HttpRequest | None = None
    user: Any = None
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@runtime_checkable
class RecordsSecurityEvents(Protocol):
    """An ``AppConfig`` that stores or sends security events. Several may be installed; each gets every event."""

    def record_security_event(self, event: SecurityEvent) -> None:
        """Record the event. It is called in the transaction of what happened, and may query the database."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginOutcome:
    """How a login ended. ``pending`` names what is still missing, such as ``mfa_authenticate``; then nobody is signed in."""

    user: Any
    pending: str | None = None

    @property
    def signed_in(self) -> bool:
        """Whether the session belongs to the user now."""
        return self.pending is None


@runtime_checkable
class CompletesLogin(Protocol):
    """An ``AppConfig`` that signs a user in who has proved who they are, with every other factor that they have set up."""

    def complete_login(
        self, request: HttpRequest, user: Any, *, method: Method, email: str | None = None
    ) -> LoginOutcome:
        """Sign the user in. ``email`` is the address that the proof was sent to; it becomes verified."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationRecord:
    """One proof of who the user is: how, and when in seconds since 1970."""

    method: Method
    at: float


@runtime_checkable
class RemembersAuthentication(Protocol):
    """An ``AppConfig`` that knows how and when the user of a request signed in."""

    def authentication_records(self, request: HttpRequest) -> Sequence[AuthenticationRecord]:
        """Return the proofs, the oldest first; nothing if this app knows none of the request."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedTokens:
    """A pair of tokens; ``expires_in`` is in seconds, of the access token (RFC 6749, 5.1)."""

    access_token: str
    refresh_token: str | None
    expires_in: int


@runtime_checkable
class IssuesTokens(Protocol):
    """An ``AppConfig`` that issues tokens to a user who has signed in."""

    def issue_tokens(
        self,
        request: HttpRequest,
        user: Any,
        *,
        records: Sequence[AuthenticationRecord] = (),
        scopes: Sequence[str] = (),
    ) -> IssuedTokens:
        """Begin a family of tokens for one login. ``records`` become the claims ``amr`` and ``auth_time``."""
        ...

    def revoke_tokens(self, user: Any) -> int:
        """End every family of the user, and return how many there were."""
        ...


@runtime_checkable
class ResolvesTenant(Protocol):
    """An ``AppConfig`` that knows which tenant a request belongs to."""

    def resolve_tenant(self, request: HttpRequest) -> Any:
        """Return the tenant, a model instance with a ``pk``; ``None`` if the request has none. It is found once per request."""
        ...


@runtime_checkable
class EndsTenantCredentials(Protocol):
    """An ``AppConfig`` that issues credentials for one tenant, such as tokens and API keys."""

    def end_tenant_credentials(self, tenant: str, *, request: HttpRequest | None = None) -> int:
        """End the credentials of users that are for the tenant with this key, and return how many there were.

        Those that belong to the tenant itself, and to no user, stay.
        """
        ...


@runtime_checkable
class ExportsAccount(Protocol):
    """An ``AppConfig`` that stores something about users, which they may take along (``GET /account/export``)."""

    def export_account(self, user: Any) -> Mapping[str, Any]:
        """Return what is stored about the user, as JSON can express it, without secrets."""
        ...


@runtime_checkable
class ChecksLimits(Protocol):
    """An ``AppConfig`` that limits how often something may happen."""

    def check_limit(self, name: str, key: str, *, request: HttpRequest | None = None) -> None:
        """Count something; raise ``TooManyRequests`` if it has happened too often, and ``ServiceUnavailable`` if unknown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonation:
    """That a member of staff, ``actor``, acts as ``user``."""

    user: Any
    actor: Any
    expires_at: datetime


@runtime_checkable
class Impersonates(Protocol):
    """An ``AppConfig`` that lets staff act as a user, for a short time, and records it."""

    def may_impersonate(self, actor: Any, user: Any) -> bool:
        """Return whether a member of staff may act as a user."""
        ...

    def begin_impersonation(self, request: HttpRequest, find_user: Callable[[], Any]) -> str:
        """Let the user of a request act as the one that ``find_user`` returns, in this session, and return the key of this.

        ``find_user`` is called for those alone who may act as somebody. Raises the ``PermissionDenied`` of
        ``django_matt.errors`` if they may not.
        """
        ...

    def find_impersonation(self, request: HttpRequest, key: str) -> Impersonation | None:
        """Return what began with a key; ``None`` if it has ended, is another session's, or is not allowed any more."""
        ...

    def end_impersonation(self, request: HttpRequest, key: str) -> None:
        """End it now."""
        ...


@runtime_checkable
class ManagesTenants(Protocol):
    """An ``AppConfig`` that knows who may manage a tenant."""

    def may_manage_tenant(self, request: HttpRequest, tenant: Any) -> bool:
        """Return whether the user of the request may manage what belongs to the tenant, such as its API keys."""
        ...


def installed(protocol: type[Offered]) -> Iterator[Offered]:
    """Yield the installed apps that have the methods of a Protocol, in the order of ``INSTALLED_APPS``."""
    return (app for app in apps.get_app_configs() if isinstance(app, protocol))


def record_security_event(
    name: str, *, request: HttpRequest | None = None, user: Any = None, **data: Any
) -> None:
    """Tell every app that records security events about one; see ``SecurityEvent`` for the names.

    >>> record_security_event("key_created", key="k_7f3a", scopes=["books:read"])
    """
    event: SecurityEvent | None = None
    for app in installed(RecordsSecurityEvents):  # type: ignore[type-abstract]
        event = event or SecurityEvent(name=name, request=request, user=user, data=data)
        app.record_security_event(event)


def complete_login(
    request: HttpRequest,
    user: Any,
    *,
    method: Method,
    email: str | None = None,
    backend: str | None = None,
) -> LoginOutcome:
    """Sign a user in by the app that completes logins, or by Django's ``login()`` if none is installed.

    ``backend`` is the dotted path of the authentication backend for Django's ``login()``.
    """
    for app in installed(CompletesLogin):  # type: ignore[type-abstract]
        return app.complete_login(request, user, method=method, email=email)
    login(request, user, backend=backend)
    return LoginOutcome(user=user)


def check_limit(name: str, key: str, *, request: HttpRequest | None = None) -> None:
    """Count something by the app that limits; without one, there is no limit.

    ``name`` is that of a limit, such as ``recipient``, and ``key`` says whose it is, such as a mail address. Raises
    ``TooManyRequests`` if it happens too often.
    """
    for app in installed(ChecksLimits):  # type: ignore[type-abstract]
        app.check_limit(name, key, request=request)


def principal_of(request: HttpRequest) -> str | None:
    """Return who sent a request, as text: its user, or else what authenticated it; ``None`` for anonymous requests.

    Raises ``TypeError`` if ``request.auth`` is an object that nothing tells apart from another.
    """
    user: Any = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user:{user.pk}"
    auth: Any = getattr(request, "auth", None)
    return name_principal(auth) if auth else None


def name_principal(auth: Any) -> str:
    """Return what authenticated a request (``request.auth``) as text; raise ``TypeError`` if nothing tells it apart."""
    if isinstance(auth, str | int | UUID):
        return f"{type(auth).__name__}:{auth}"
    if isinstance(auth, tuple | list):
        return "/".join(map(name_principal, auth))
    # A model instance or an object of the project's, or the claims of a token.
    for name in ("pk", "id", "sub", "user_id"):
        found = auth.get(name) if isinstance(auth, Mapping) else getattr(auth, name, None)
        if found is not None:
            return f"{type(auth).__module__}.{type(auth).__qualname__}:{found}"
    raise TypeError(
        f"request.auth is a {type(auth).__name__}, which has no pk, id, sub or user_id. Give it one, or set request.user."
    )


def authentication_records(request: HttpRequest) -> Sequence[AuthenticationRecord]:
    """Return how and when the user of a request signed in, as far as an installed app knows."""
    for app in installed(RemembersAuthentication):  # type: ignore[type-abstract]
        if found := app.authentication_records(request):
            return found
    return ()


def issue_tokens(
    request: HttpRequest,
    user: Any,
    *,
    records: Sequence[AuthenticationRecord] = (),
    scopes: Sequence[str] = (),
) -> IssuedTokens | None:
    """Issue tokens by the app that does so; ``None`` if none is installed."""
    for app in installed(IssuesTokens):  # type: ignore[type-abstract]
        return app.issue_tokens(request, user, records=records, scopes=scopes)
    return None


def revoke_tokens(user: Any) -> int:
    """End the tokens of a user in every app that issues them, and return how many families there were."""
    ended = 0
    for app in installed(IssuesTokens):  # type: ignore[type-abstract]
        ended += app.revoke_tokens(user)
    return ended


def end_tenant_credentials(tenant: Any, *, request: HttpRequest | None = None) -> int:
    """End the tokens and keys of users for one tenant, which has a ``pk``, and return how many there were.

    An app of tenants calls it if members have to sign in by another way from now on.
    """
    ended = 0
    for app in installed(EndsTenantCredentials):  # type: ignore[type-abstract]
        ended += app.end_tenant_credentials(str(tenant.pk), request=request)
    return ended


def current_tenant(request: HttpRequest) -> Any:
    """Return the tenant of a request; ``None`` if it has none, or no app knows tenants."""
    for app in installed(ResolvesTenant):  # type: ignore[type-abstract]
        return app.resolve_tenant(request)
    return None


def is_impersonated(request: HttpRequest) -> bool:
    """Return whether a member of staff acts as the user of the request.

    Routes that change how a user signs in refuse such requests. An app's ``request.auth`` names who acts in ``actor_id``.
    """
    if getattr(getattr(request, "auth", None), "actor_id", None) is not None:
        return True
    # A session's, which its middleware looks up when it is needed.
    find = getattr(request, "find_impersonation", None)
    return find is not None and find() is not None


def pinned_tenant(request: HttpRequest) -> str | None:
    """Return the key of the only tenant that the credentials of a request are for; ``None`` if they are for each of the user's.

    It is the attribute ``tenant_id`` or ``tenant`` of ``request.auth``, as text: a token or an API key of one tenant is
    refused in every other one. If such a key has no ``user``, its attribute ``tenant_role`` is its role.
    """
    principal = getattr(request, "auth", None)
    found = getattr(principal, "tenant_id", None) or getattr(principal, "tenant", None)
    return str(getattr(found, "pk", found)) if found else None


def may_manage_tenant(request: HttpRequest, tenant: Any) -> bool:
    """Return whether the user of a request may manage a tenant; nobody may if no app knows."""
    return any(app.may_manage_tenant(request, tenant) for app in installed(ManagesTenants))  # type: ignore[type-abstract]
