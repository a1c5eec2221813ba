"""The app's configuration."""

from types import SimpleNamespace
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest


class OrganizationsConfig(AppConfig):
    name = "tests.contrib.webhooks.organizations"
    label = "webhook_organizations"

    def resolve_tenant(self, request: HttpRequest) -> Any:
        found = request.headers.get("X-Organization")
        return None if found is None else SimpleNamespace(pk=found)

    def may_manage_tenant(self, request: HttpRequest, tenant: Any) -> bool:
        return bool(request.user.is_staff)
