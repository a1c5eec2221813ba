"""Webhooks: who is told about orders, and who tells the project that one was paid."""

from django.conf import settings
from django.utils.crypto import constant_time_compare
from ninja_extra import api_controller

from django_matt.authentication import BearerAuthenticator
from django_matt.contrib.webhooks.controllers import EndpointController


class Manager(BearerAuthenticator):
    """Anyone who knows the token: the example has no users."""

    def authenticate(self, request, credentials):
        is_known = constant_time_compare(credentials.value, settings.MANAGER_TOKEN)
        return "manager" if is_known else None


@api_controller("/webhooks", auth=Manager(), tags=["webhooks"])
class EndpointsController(EndpointController):
    """The endpoints that are told when a drink is ready."""

    def tenant(self):
        """Return whose endpoints these are: there is one shop."""
        return ""
