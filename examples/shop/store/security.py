"""Authentication by a signed token, and the permissions."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, User
from django.core import signing
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from ninja.security import HttpBearer

from django_matt import ControllerBase, permissions
from store.models import Customer, Order

__all__ = ["AsyncTokenAuth", "IsCustomer", "IsOwnerOrStaff", "TokenAuth", "issue_token"]

SALT = "store.token"
HALF_A_DAY = 12 * 60 * 60


def issue_token(user: AbstractBaseUser) -> str:
    """Return a signed token for the user; it is invalid once the password changes."""
    return signing.dumps([user.pk, user.get_session_auth_hash()], salt=SALT)


def read_token(token: str) -> tuple[int, str] | None:
    try:
        pk, session_hash = signing.loads(token, salt=SALT, max_age=HALF_A_DAY)
    except signing.BadSignature:
        return None
    return pk, session_hash


def check_user(request: HttpRequest, user: User | None, session_hash: str) -> User | None:
    if user is None or not constant_time_compare(user.get_session_auth_hash(), session_hash):
        return None
    request.user = user
    return user


class TokenAuth(HttpBearer):
    """``Authorization: Bearer <token>``, with a token from ``/api/auth/login``."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the user, or None."""
        if (claim := read_token(token)) is None:
            return None
        user = User.objects.filter(pk=claim[0], is_active=True).first()
        return check_user(request, user, claim[1])


class AsyncTokenAuth(HttpBearer):
    """The same for async routes."""

    async def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the user, or None."""
        if (claim := read_token(token)) is None:
            return None
        user = await User.objects.filter(pk=claim[0], is_active=True).afirst()
        return check_user(request, user, claim[1])


class IsCustomer(permissions.BasePermission):
    """Customers only: staff accounts do not order or review."""

    message = "Only customers can do this. Sign in as a customer, such as ada."

    def has_permission(self, request: HttpRequest, controller: ControllerBase) -> bool:
        """Check that the account belongs to a customer."""
        return Customer.objects.filter(user_id=request.user.pk).exists()


class IsOwnerOrStaff(permissions.BasePermission):
    """Only its customer and the staff can see an order."""

    message = "This order belongs to another customer."

    def has_permission(self, request: HttpRequest, controller: ControllerBase) -> bool:
        """Require an account; the order itself decides the rest."""
        return bool(request.user.is_authenticated)

    def has_object_permission(
        self, request: HttpRequest, controller: ControllerBase, obj: Order
    ) -> bool:
        """Compare the order's customer with the user."""
        return request.user.is_staff or obj.customer.user_id == request.user.pk
