"""The routes with which tenants manage their endpoints."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja.responses import Status
from ninja_extra import ControllerBase, http_delete, http_get, http_patch, http_post

from django_matt.contrib.webhooks import services
from django_matt.contrib.webhooks.models import Delivery, Endpoint
from django_matt.contrib.webhooks.schemas import (
    DeliveryOut,
    EndpointChangeIn,
    EndpointCreated,
    EndpointIn,
    EndpointOut,
    Replayed,
    SecretRotationIn,
)
from django_matt.errors.exceptions import NotFound, PermissionDenied
from django_matt.sign_in import current_tenant, is_impersonated, may_manage_tenant

__all__ = ["EndpointController"]

_SHOWN = 100


class EndpointController(ControllerBase):
    """The endpoints of a tenant. Subclass it, and decorate the class with ``@api_controller``::

        @api_controller("/webhooks", auth=SessionAuthenticator())
        class WebhookController(EndpointController): ...

    By default, the tenant is the organization of the request, and only users who may manage it may use the routes.
    Override ``tenant()`` in a project without organizations.
    """

    @property
    def request(self) -> HttpRequest:
        """The request. A controller has one while a route runs."""
        return cast("Any", self.context).request  # type: ignore[no-any-return]

    # ---- what to override -------------------------------------------------------------------------------------------

    def tenant(self) -> str:
        """Return whose endpoints these are, as events name their tenant; raise ``PermissionDenied`` if nobody's."""
        found = current_tenant(self.request)
        if found is None or not may_manage_tenant(self.request, found):
            raise PermissionDenied("You may not manage the webhooks of this organization.")
        return str(found.pk)

    def queryset(self) -> "QuerySet[Endpoint]":
        """Return the endpoints that the request may use. What is outside does not exist for it."""
        return Endpoint.objects.filter(tenant=self.tenant())

    # ---- routes -----------------------------------------------------------------------------------------------------

    @http_get("", response=list[EndpointOut], operation_id="list_webhook_endpoints")
    def list_endpoints(self) -> Any:
        """Return the endpoints, without their secrets."""
        return self.queryset().order_by("created_at", "id")

    @http_post("", response={201: EndpointCreated}, operation_id="create_webhook_endpoint")
    def create_endpoint(self, response: HttpResponse, data: EndpointIn) -> Any:
        """Create an endpoint. This response is the only one that contains its secret."""
        self._refuse_impersonation()
        made = services.create_endpoint(url=data.url, topics=data.topics, tenant=self.tenant())
        return Status(201, _with_secret(response, *made))

    @http_get("/{uuid:key}", response=EndpointOut, operation_id="show_webhook_endpoint")
    def show_endpoint(self, key: UUID) -> Any:
        """Return an endpoint, without its secrets."""
        return self._find(key)

    @http_patch("/{uuid:key}", response=EndpointOut, operation_id="change_webhook_endpoint")
    def change_endpoint(self, key: UUID, data: EndpointChangeIn) -> Any:
        """Change the URL or the topics of an endpoint, or disable or enable it."""
        self._refuse_impersonation()
        return services.change_endpoint(
            self._find(key), url=data.url, topics=data.topics, is_enabled=data.is_enabled
        )

    @http_delete("/{uuid:key}", response={204: None}, operation_id="delete_webhook_endpoint")
    def delete_endpoint(self, key: UUID) -> Any:
        """Delete an endpoint, and what is known about its deliveries."""
        services.delete_endpoint(self._find(key))
        return Status(204, None)

    @http_post("/{uuid:key}/secret", response=EndpointCreated, operation_id="rotate_webhook_secret")
    def rotate_secret(
        self, response: HttpResponse, key: UUID, data: SecretRotationIn | None = None
    ) -> Any:
        """Make a new secret, which only this response contains. Webhooks have signatures of both until the overlap ends."""
        self._refuse_impersonation()
        seconds = (data or SecretRotationIn()).overlap_seconds
        made = services.rotate_secret(self._find(key), timedelta(seconds=seconds))
        return _with_secret(response, *made)

    @http_get(
        "/{uuid:key}/deliveries", response=list[DeliveryOut], operation_id="list_webhook_deliveries"
    )
    def list_deliveries(self, key: UUID) -> Any:
        """Return the last hundred deliveries of an endpoint, the newest first."""
        found = Delivery.objects.filter(endpoint=self._find(key)).select_related("message")
        return found.order_by("-id")[:_SHOWN]

    @http_post(
        "/{uuid:key}/test", response={202: DeliveryOut}, operation_id="test_webhook_endpoint"
    )
    def test_endpoint(self, key: UUID) -> Any:
        """Send a test event, which is tried once. What becomes of it is among the deliveries."""
        return Status(202, services.queue_test(self._find(key)))

    @http_post("/{uuid:key}/replay", response={202: Replayed}, operation_id="replay_webhooks")
    def replay(self, key: UUID) -> Any:
        """Send again what the endpoint has not accepted in all attempts."""
        return Status(202, {"due": services.replay(self._find(key))})

    # ---- what they do -----------------------------------------------------------------------------------------------

    def _find(self, key: UUID) -> Endpoint:
        found = self.queryset().filter(pk=key).first()
        if found is None:
            raise NotFound
        return found

    def _refuse_impersonation(self) -> None:
        """Raise ``PermissionDenied`` if staff acts as the user: an endpoint would get events for longer than that."""
        if is_impersonated(self.request):
            raise PermissionDenied("Staff that acts as a user may not change where webhooks go.")


def _with_secret(response: HttpResponse, endpoint: Endpoint, secret: str) -> Any:
    response.headers["Cache-Control"] = "no-store"
    return {**EndpointOut.from_orm(endpoint).model_dump(), "secret": secret}
