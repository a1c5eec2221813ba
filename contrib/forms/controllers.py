"""The route: the form of an operation, for anyone who may read the API's document."""

import json
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from ninja.responses import NinjaJSONEncoder
from ninja_extra import ControllerBase, api_controller, http_get

from django_matt.contrib.forms.services import find_documented, form_of
from django_matt.contrib.forms.settings import FormsSettings
from django_matt.errors.exceptions import NotFound
from django_matt.pages import send_tagged, tag

__all__ = ["make_controller"]


def make_controller(api: Any, options: FormsSettings) -> type[ControllerBase]:
    """Return the controller class, with the route at the path in the settings.

    It is not in the OpenAPI document, as the document itself is not, and is protected as the document is: by the API's
    ``docs_decorator``.
    """
    view = (api.docs_decorator or (lambda view: view))(partial(form_json, api=api, kept={}))

    @api_controller(options.PATH, tags=["forms"], auth=None, auto_import=False)
    class FormController(ControllerBase):
        """The forms of the API's operations."""

        @http_get(
            "/{operation_id}",
            auth=None,
            throttle=[],
            include_in_schema=False,
            operation_id="form_of_operation",
            url_name="form-of-operation",
        )
        def show(self, request: HttpRequest, operation_id: str) -> Any:
            """Return JSON Schema and the hints for the user interface."""
            return view(request, operation_id=operation_id)

    return FormController


def form_json(
    request: HttpRequest, api: Any, kept: dict[Any, tuple[bytes, str]], operation_id: str
) -> HttpResponseBase:
    """Return the form of an operation in the language of the request.

    ``kept`` are the forms that were shown: an API has as many as it has operations and languages.
    """
    key = (operation_id, get_language())
    if key not in kept:
        operation = find_documented(api, operation_id)
        form = None if operation is None else form_of(api, operation)
        if form is None:
            raise NotFound(
                f"The API has no operation {operation_id[:100]!r} with a body that has fields."
            )
        kept[key] = tag(json.dumps(form, cls=NinjaJSONEncoder, ensure_ascii=False).encode())
    return send_tagged(request, kept[key])
