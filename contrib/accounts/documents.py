"""allauth's routes as a part of the OpenAPI document of an API: those that this project has, and no others.

``openapi.json`` is made from allauth's own document, which is YAML and takes a second to parse: see
``tests/sign_in/accounts/document.py``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allauth.headless import app_settings
from allauth.headless.adapter import get_adapter
from allauth.headless.constants import Client
from allauth.headless.spec.internal.openapikit import spec_for_dataclass
from allauth.headless.spec.internal.schema import specify_custom_signup_form, specify_signup_fields
from django.conf import settings
from django.http.request import HttpHeaders
from django.urls import NoReverseMatch, reverse

from django_matt.contrib.accounts.guards import list_routes
from django_matt.openapi import OpenAPIPart

__all__ = ["describe_accounts"]

_SOURCE = Path(__file__).with_name("openapi.json")
_SAFE = {"get", "head", "options"}
_CLIENT = "#/components/parameters/AllauthClient"


def describe_accounts(document: dict[str, Any]) -> OpenAPIPart | None:
    """Return the part of an API's document; None if the URLs of the app are not in the project's URLs."""
    clients = [str(Client(name).value) for name in app_settings.CLIENTS]
    try:
        root = reverse(f"headless:{clients[0]}:config").removesuffix(f"{clients[0]}/v1/config")
    except (IndexError, NoReverseMatch):
        return None
    source: dict[str, Any] = json.loads(_SOURCE.read_text())
    _describe_project(source["components"], clients)
    paths = _choose_paths(source["paths"], clients)
    source["paths"] = {path.lstrip("/"): item for path, item in paths.items()}
    used = {tag for item in paths.values() for each in item.values() for tag in each["tags"]}
    source["tags"] = [tag for tag in source["tags"] if tag["name"] in used]
    return OpenAPIPart.from_document(source, prefix=root)


def _describe_project(components: dict[str, Any], clients: list[str]) -> None:
    """Describe the user and the fields of the sign-up as the settings of the project define them."""
    schemas = components["schemas"]
    schemas["AllauthUser"], _ = spec_for_dataclass(get_adapter().get_user_dataclass())
    named = {"BaseSignup": schemas["AllauthBaseSignup"], "Signup": schemas["AllauthSignup"]}
    specify_signup_fields({"components": {"schemas": named}})
    specify_custom_signup_form({"components": {"schemas": named}})
    components["parameters"]["AllauthClient"]["schema"]["enum"] = clients
    components["securitySchemes"] = _schemes(clients)


def _schemes(clients: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "browser" in clients:
        header = HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME) or "X-CSRFToken"
        found["session"] = {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
        }
        found["csrfToken"] = {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRFToken" if header == "X-Csrftoken" else header,
            "description": f"The value of the cookie {settings.CSRF_COOKIE_NAME}. Browsers send it.",
        }
    if "app" in clients:
        found["sessionToken"] = {
            "type": "apiKey",
            "in": "header",
            "name": "X-Session-Token",
            "description": "The `session_token` of an earlier response. Apps send it instead of cookies.",
        }
    return found


def _choose_paths(paths: Mapping[str, Any], clients: list[str]) -> dict[str, Any]:
    routes = list_routes()
    found: dict[str, Any] = {}
    for path, item in paths.items():
        having = [client for client in clients if path.format(client=client) in routes]
        if not having:
            continue
        methods = {name for client in having for name in routes[path.format(client=client)]}
        chosen = {name: each for name, each in item.items() if name in methods}
        for name, operation in chosen.items():
            operation["security"] = _security(operation, having, unsafe=name not in _SAFE)
            if len(clients) == 1:
                _pin_client(operation)
        found[path.format(client=clients[0]) if len(clients) == 1 else path] = chosen
    return found


def _pin_client(operation: dict[str, Any]) -> None:
    given = operation.get("parameters", [])
    operation["parameters"] = [each for each in given if each.get("$ref") != _CLIENT]


def _security(operation: Mapping[str, Any], clients: list[str], *, unsafe: bool) -> list[Any]:
    """Return the requirements: a session or its token, and a CSRF token from browsers that change something."""
    private = "security" in operation
    found: list[dict[str, list[str]]] = []
    if "browser" in clients:
        needed = [name for name, needs in (("session", private), ("csrfToken", unsafe)) if needs]
        found.append({name: [] for name in needed})
    if "app" in clients:
        found.append({"sessionToken": []} if private else {})
    return found if any(found) else []
