"""The system checks ``matt_tenants.…``: the options are valid, and row-level security applies."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.module_loading import import_string

from django_matt.contrib.tenants.models import TenantModel
from django_matt.contrib.tenants.row_security import role_problem, secured_databases
from django_matt.contrib.tenants.settings import get_settings

__all__ = ["check_deployment", "check_row_security", "check_settings"]

_TABLE = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_catalog.pg_class WHERE oid = to_regclass(%s)"


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_TENANTS``."""
    try:
        options = get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_TENANTS."
        return [Error(str(error), hint=hint, id="matt_tenants.E001")]
    found: list[CheckMessage] = []
    try:
        import_string(options.TXT_RESOLVER)
    except ImportError as error:
        hint = 'Set "TXT_RESOLVER" to the dotted path of a function that returns the TXT records of a name.'
        found.append(Error(str(error), hint=hint, id="matt_tenants.E002"))
    if options.ROW_LEVEL_SECURITY and not secured_databases() and _tenant_models():
        found.append(
            Error(
                'settings.MATT_TENANTS["ROW_LEVEL_SECURITY"] is True, and no database of these models is PostgreSQL.',
                hint="Turn it off, or use PostgreSQL: other databases have no row-level security.",
                id="matt_tenants.E003",
            )
        )
    return found


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Report a domain whose subdomains Django does not accept, and invitations whose link is not encrypted."""
    if check_settings():
        return []
    options, found = get_settings(), list[CheckMessage]()
    if options.FROM == "subdomain" and not {f".{options.DOMAIN}", "*"} & set(
        settings.ALLOWED_HOSTS
    ):
        hint = f'Add ".{options.DOMAIN}" to ALLOWED_HOSTS, or each subdomain.'
        text = f"ALLOWED_HOSTS does not have the subdomains of {options.DOMAIN}."
        found.append(checks.Warning(text, hint=hint, id="matt_tenants.W001"))
    url = options.INVITATION_URL
    if url is not None and not url.startswith("https://"):
        hint = "Begin it with https://, so that nobody on the network can read the token."
        text = f'settings.MATT_TENANTS["INVITATION_URL"] is {url!r}.'
        found.append(checks.Warning(text, hint=hint, id="matt_tenants.W002"))
    return found


def check_row_security(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report a role that bypasses row-level security, and tables of ``TenantModel`` that do not have it."""
    if check_settings() or not get_settings().ROW_LEVEL_SECURITY:
        return []
    found: list[CheckMessage] = []
    for alias in set(secured_databases()) & set(databases or ()):
        problem = role_problem(connections[alias])
        if problem is not None:
            hint = (
                "Connect as a role without SUPERUSER and BYPASSRLS; migrations may use another one."
            )
            found.append(checks.Warning(problem, hint=hint, id="matt_tenants.W003"))
        with connections[alias].cursor() as cursor:
            for model in _tenant_models():
                table = model._meta.db_table
                cursor.execute(_TABLE, [connections[alias].ops.quote_name(table)])
                # Without a row the table does not exist yet.
                if cursor.fetchone() == (False,):
                    hint = f'Add the operation EnableRowLevelSecurity("{table}") to a migration.'
                    text = f"The table {table} has no row-level security."
                    found.append(checks.Warning(text, hint=hint, obj=model, id="matt_tenants.W004"))
    return found


def _tenant_models() -> list[Any]:
    return [
        model
        for model in apps.get_models()
        if issubclass(model, TenantModel)
        # A table of multi-table inheritance has no key of its own to the organization.
        and any(field.name == "organization" for field in model._meta.local_fields)
    ]
