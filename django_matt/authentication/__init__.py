"""Authentication callbacks that know their schemes and scopes, run on sync and async routes, and tell bad credentials from none."""

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
