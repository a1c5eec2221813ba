"""The objects and choices that a field may refer to."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import ModelChoiceField
from django.http import QueryDict

from django_matt.contrib.admin_api.fields import show
from django_matt.contrib.admin_api.requests import Desk
from django_matt.errors.exceptions import NotFound

__all__ = ["find_options"]

_PAGE_SIZE = 20


def find_options(desk: Desk, path: str, text: str, page: int, most: int) -> dict[str, Any]:
    """Return the options of a field of the form, or of an inline: ``category``, ``lines.product``.

    A field in ``autocomplete_fields`` is searched by Django's own view. Any other has what its select shows.
    """
    admin = desk.admin
    prefix, _, name = path.rpartition(".")
    request = desk.copy()
    perms = admin.get_model_perms(request)
    if not (perms["add"] or perms["change"]):
        raise PermissionDenied
    owner, form = admin, admin.get_form(request, None, change=not perms["add"])
    if prefix:
        pairs = [
            (kind, inline)
            for kind, inline in admin.get_formsets_with_inlines(request)
            if kind.get_default_prefix() == prefix
        ]
        if not pairs:
            raise NotFound(f"There is no inline {prefix!r}.")
        kind, owner = pairs[0]
        form = kind.form
        if name == getattr(getattr(kind, "fk", None), "name", None):
            name = ""  # to the object itself
    field = form.base_fields.get(name)
    if field is None or not hasattr(field, "choices"):
        raise NotFound(f"There is no field {name!r} with options.")
    if name in owner.get_autocomplete_fields(request):
        query = QueryDict(mutable=True)
        opts = owner.model._meta
        query.update({"app_label": opts.app_label, "model_name": opts.model_name})
        query.update({"field_name": name, "term": text, "page": str(page)})
        found = json.loads(admin.admin_site.autocomplete_view(desk.copy(query=query)).content)
        items = [{"id": each["id"], "label": each["text"]} for each in found["results"]]
        return {"items": items, "more": found["pagination"]["more"]}
    return _select_options(desk, field, text, page, most)


def _select_options(desk: Desk, field: Any, text: str, page: int, most: int) -> dict[str, Any]:
    start, end = (page - 1) * _PAGE_SIZE, page * _PAGE_SIZE
    if isinstance(field, ModelChoiceField):
        key = field.to_field_name or "pk"
        queryset, is_searched = _searched(desk, field.queryset, text)
        rows = queryset[: end + 1] if is_searched else queryset[:most]
        pairs: Any = ((getattr(each, key), field.label_from_instance(each)) for each in rows)
    else:
        pairs, is_searched = field.choices, not text
    found = []
    for value, label in pairs:
        if value not in (None, "") and (is_searched or text.casefold() in str(label).casefold()):
            found.append({"id": show(value), "label": str(label)})
        if len(found) > end:
            break
    return {"items": found[start:end], "more": len(found) > end}


def _searched(desk: Desk, queryset: Any, text: str) -> tuple[Any, bool]:
    """Return the objects that a text finds, and whether the admin of their model could search for it."""
    site, request = desk.admin.admin_site, desk.copy()
    if not text or not site.is_registered(queryset.model):
        return queryset, not text
    related = site.get_model_admin(queryset.model)
    if not related.get_search_fields(request) or not related.has_view_permission(request):
        return queryset, False
    queryset, has_duplicates = related.get_search_results(request, queryset, text)
    return queryset.distinct() if has_duplicates else queryset, True
