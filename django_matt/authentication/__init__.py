"""Authentication callbacks with schemes and scopes, for sync and async routes; wrong credentials are not missing ones."""

from django_matt.authentication.any_of import AnyOf
from django_matt.authentication.authenticators import (
    APIKeyAuthenticator,
    Authenticator,
    BearerAuthenticator,
    Credentials,
    SessionAuthenticator,
)
from django_matt.errors.exceptions import InsufficientScope, InvalidCredentials

__all__ = [
    "APIKeyAuthenticator",
    "AnyOf",
    "Authenticator",
    "BearerAuthenticator",
    "Credentials",
    "InsufficientScope",
    "InvalidCredentials",
    "SessionAuthenticator",
]
