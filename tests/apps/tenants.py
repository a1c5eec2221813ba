"""Tenants: every request of an API reads the rows of its tenant, whatever its views ask for."""

from django.apps import AppConfig

from django_matt import MattAPI


class TenantsConfig(AppConfig):
    name = "tests.apps.tenants"

    def extend(self, api: MattAPI) -> None:
        # Here, as an app's models are not loaded while its configuration is.
        from tests.scopes.models import Owned
        from tests.scopes.tenants import of_tenant

        api.add_scope(Owned, of_tenant)
