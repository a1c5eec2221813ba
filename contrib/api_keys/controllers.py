"""The routes with which users manage their keys, and those of their organization."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from ninja.responses import Status
from ninja_extra import ControllerBase, api_controller, http_delete, http_get, http_post

from django_matt.authentication import AnyOf
from django_matt.contrib.api_keys.authentication import KeyPrincipal
from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.schemas import KeyCreated, KeyIn, KeyOut, OwnerKind, RotationIn
from django_matt.contrib.api_keys.services import create_key, keys_of, revoke_key, rotate_key
from django_matt.contrib.api_keys.settings import get_settings
from django_matt.errors.exceptions import NotFound, PermissionDenied
from django_matt.sign_in import current_tenant, is_impersonated, may_manage_tenant

__all__ = ["load_auth", "make_controller"]


def load_auth(paths: Sequence[str]) -> Any:
    """Return one callback for the authenticators with these dotted paths."""
    found = [import_string(path) for path in paths]
    callbacks = [each() if isinstance(each, type) else each for each in found]
    return callbacks[0] if len(callbacks) == 1 else AnyOf(*callbacks)


def make_controller(
    *, auth: Any, path: str = "/api-keys", permissions: Sequence[Any] = ()
) -> type[ControllerBase]:
    """Return the controller with the routes, for a project that registers it with its own ``auth`` and permissions.

    >>> controller = make_controller(auth=SessionAuthenticator())    # doctest: +SKIP
    """

    @api_controller(
        path, tags=["API keys"], auth=auth, permissions=list(permissions), auto_import=False
    )
    class ApiKeysController(ControllerBase):
        """The keys of the user, and those of an organization for users who may manage them."""

        @http_get("", response=list[KeyOut], operation_id="list_api_keys")
        def list_keys(
            self, request: HttpRequest, response: HttpResponse, owner: OwnerKind = "user"
        ) -> "QuerySet[ApiKey]":
            """Return the keys, the newest first, without their secrets."""
            response.headers["Cache-Control"] = "no-store"
            return keys_of(_owner(request, owner))

        @http_post("", response={201: KeyCreated}, operation_id="create_api_key")
        def create(self, request: HttpRequest, response: HttpResponse, data: KeyIn) -> Any:
            """Create a key. This response is the only one that contains its text."""
            _refuse_impersonation(request)
            days = data.expires_in_days
            maker = request.auth  # type: ignore[attr-defined] # Ninja's
            key, text = create_key(
                _owner(request, data.owner),
                name=data.name,
                scopes=data.scopes,
                lifetime=None if days is None else timedelta(days=days),
                created_by=request.user,
                within=maker.scopes if isinstance(maker, KeyPrincipal) else None,
                request=request,
            )
            return _created(response, key, text)

        @http_post("/{key_id}/rotate", response={201: KeyCreated}, operation_id="rotate_api_key")
        def rotate(
            self,
            request: HttpRequest,
            response: HttpResponse,
            key_id: str,
            data: RotationIn | None = None,
        ) -> Any:
            """Create the successor of a key. Both work until the overlap ends."""
            _refuse_impersonation(request)
            seconds = None if data is None else data.overlap_seconds
            old, maker = _find(request, key_id), request.auth  # type: ignore[attr-defined] # Ninja's
            if isinstance(maker, KeyPrincipal) and not maker.scopes.issuperset(old.scopes):
                raise PermissionDenied("A key may not rotate one that has more scopes.")
            key, text = rotate_key(
                old,
                overlap=None if seconds is None else timedelta(seconds=seconds),
                rotated_by=request.user,
                request=request,
            )
            return _created(response, key, text)

        @http_delete("/{key_id}", response={204: None}, operation_id="revoke_api_key")
        def revoke(self, request: HttpRequest, key_id: str) -> Any:
            """Revoke a key at once. To revoke it again changes nothing."""
            revoke_key(_find(request, key_id), revoked_by=request.user, request=request)
            return Status(204, None)

    return ApiKeysController


def _refuse_impersonation(request: HttpRequest) -> None:
    """Raise ``PermissionDenied`` if staff acts as the user: a key would last longer than that."""
    if is_impersonated(request):
        raise PermissionDenied("Staff that acts as a user may not create keys.")


def _created(response: HttpResponse, key: ApiKey, text: str) -> Any:
    response.headers["Cache-Control"] = "no-store"
    shown = KeyOut.from_orm(key).model_dump()
    return Status(201, {**shown, "public_id": shown["id"], "key": text})


def _owner(request: HttpRequest, kind: OwnerKind) -> Owner:
    """Return the owner whose keys the user may manage; raise ``PermissionDenied`` for an organization of others."""
    user = request.user
    if not user.is_authenticated:  # the key of an organization has no user
        raise PermissionDenied("Only a user may manage keys.")
    tenant = current_tenant(request)
    tenant_id = "" if tenant is None else str(tenant.pk)
    if kind == "user":
        return Owner(user, tenant_id)
    if tenant is None or not _manages(request, tenant):
        raise PermissionDenied("You may not manage the keys of this organization.")
    return Owner(None, tenant_id)


def _manages(request: HttpRequest, tenant: Any) -> bool:
    path = get_settings().MANAGES_ORGANIZATION
    if path is None:
        return may_manage_tenant(request, tenant)
    manages: Callable[[HttpRequest, Any], bool] = import_string(path)
    return manages(request, tenant)


def _find(request: HttpRequest, key_id: str) -> ApiKey:
    """Return a key that the user may manage. All others are not found, whether they exist or not."""
    key = ApiKey.objects.select_related("user").filter(public_id=key_id).first()
    user = request.user
    if key is None or not user.is_authenticated:
        raise NotFound
    tenant = current_tenant(request)
    # In a tenant, also a key of the user that is for every tenant is not found: who may use one tenant gets none of another.
    in_tenant = tenant is None or str(tenant.pk) == key.tenant_id
    if key.user_id is None:
        in_tenant = tenant is not None and in_tenant and _manages(request, tenant)
    if not in_tenant or (key.user_id is not None and key.user_id != cast("Any", user).pk):
        raise NotFound
    return key
