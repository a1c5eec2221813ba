"""Teams as an app of tenants offers them to others: named by a header, managed by staff."""

from types import SimpleNamespace
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest


class TeamsConfig(AppConfig):
    name = "tests.contrib.rag.teams"
    label = "rag_teams"

    def resolve_tenant(self, request: HttpRequest) -> Any:
        found = request.headers.get("X-Team")
        return None if found is None else SimpleNamespace(pk=found)

    def may_manage_tenant(self, request: HttpRequest, tenant: Any) -> bool:
        return bool(request.user.is_staff)
