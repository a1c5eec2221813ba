"""Who calls: a signed token, and who may what."""

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
    """Sign who the user is; a changed password ends the token."""
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
    """``Authorization: Bearer <token>`` of ``/api/auth/login``."""

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
    """Customers only: the staff buy nothing and review nothing."""

    message = "You are no customer."

    def has_permission(self, request: HttpRequest, controller: ControllerBase) -> bool:
        """Look for the customer of the account."""
        return Customer.objects.filter(user_id=request.user.pk).exists()


class IsOwnerOrStaff(permissions.BasePermission):
    """An order is seen by its customer and the staff."""

    message = "This order is somebody else's."

    def has_permission(self, request: HttpRequest, controller: ControllerBase) -> bool:
        """Let everybody through who has signed in: the order decides."""
        return bool(request.user.is_authenticated)

    def has_object_permission(
        self, request: HttpRequest, controller: ControllerBase, obj: Order
    ) -> bool:
        """Compare the order's customer with who calls."""
        return request.user.is_staff or obj.customer.user_id == request.user.pk
