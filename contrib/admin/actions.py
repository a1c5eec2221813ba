"""Actions with a form: what a person enters is a schema, and an invalid form changes nothing."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin import action
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from pydantic import BaseModel

from django_matt.contrib.admin.forms import form_of

__all__ = ["form_action"]

_APPLY = "matt_apply"


def form_action(
    schema: type[BaseModel],
    *,
    description: str | None = None,
    permissions: Sequence[str] = ("change",),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a method of a ``ModelAdmin`` an action that first asks for the fields of a schema.

    The method gets the request, the selected rows and an instance of the schema, in one transaction. It returns the
    message that is shown, or an ``HttpResponse``. List it in ``actions``.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        form_class = form_of(schema)
        title = description or method.__name__.replace("_", " ").capitalize()

        @action(description=title, permissions=permissions)
        @wraps(method)
        def act(self: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
            is_applied = _APPLY in request.POST
            form = form_class(request.POST if is_applied else None, prefix="data")
            if is_applied and form.is_valid():
                with transaction.atomic(using=queryset.db):
                    found = method(self, request, queryset, form.value)  # type: ignore[attr-defined]  # of form_of
                if isinstance(found, HttpResponse):
                    return found
                self.message_user(request, found or f"{title}: done.", messages.SUCCESS)
                return None
            hidden = {
                name: request.POST.get(name, "") for name in ("action", "select_across", "index")
            }
            context = {
                **self.admin_site.each_context(request),
                "title": title,
                "opts": self.model._meta,
                "form": form,
                "count": queryset.count(),
                "hidden": [*hidden.items(), (_APPLY, "1")],
                "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "matt_admin/action.html", context)

        return act

    return decorate
