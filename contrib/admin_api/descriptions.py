"""Forms and lists as data, for clients that build their pages of them."""

from collections.abc import Mapping
from typing import Any

from django.contrib.admin.utils import flatten
from django.core.exceptions import PermissionDenied
from django.http import QueryDict

from django_matt.contrib.admin_api.fields import describe, is_shown, show
from django_matt.contrib.admin_api.lists import change_list
from django_matt.contrib.admin_api.pages import InlineRows, is_hash, name_of
from django_matt.contrib.admin_api.requests import Desk, plain_text
from django_matt.contrib.admin_api.services import load_page

__all__ = ["describe_form"]


def describe_form(desk: Desk, key: str | None) -> dict[str, Any]:
    """Return the form of a new or a stored object as this user gets it, and what the list offers."""
    admin, request = desk.admin, desk.copy()
    permissions = admin.get_model_perms(request)
    if not any(permissions.values()):
        raise PermissionDenied
    page = load_page(desk, key) if key is not None or permissions["add"] else None
    cl = change_list(desk) if permissions["view"] or permissions["change"] else None
    found: dict[str, Any] = {
        "permissions": permissions,
        "schema": _schema(page.editable(), page.form) if page else {},
        "fieldsets": [],
        "read_only": [],
        "initial": {},
        "inlines": [],
        "list": _list_options(desk, cl) if cl is not None else {},
        "actions": [
            {"name": name, "description": str(_text_of(action) % admin_texts(admin))}
            for name, action in admin.get_actions(request).items()
        ],
    }
    if page is not None:
        fields = page.editable()
        found["fieldsets"] = [
            {
                "name": None if name is None else str(name),
                "fields": [name_of(each) for each in flatten(options["fields"])],
                "description": plain_text(options.get("description") or ""),
                "classes": list(options.get("classes", ())),
            }
            for name, options in page.fieldsets
        ]
        found["read_only"] = [name_of(each) for each in page.names if each not in fields]
        found["initial"] = {
            name: show(page.form.get_initial_for_field(field, name))
            for name, field in fields.items()
            if is_shown(field) and not is_hash(page.form.instance, name)
        }
        found["inlines"] = [_inline(prefix, rows) for prefix, rows in page.inlines.items()]
    return found


def _text_of(action: Any) -> Any:
    """Return the description of an action: a tuple, and from Django 6.1 an object."""
    return action[2] if isinstance(action, tuple) else action.plural_description


def admin_texts(admin: Any) -> dict[str, str]:
    """Return what the descriptions of actions may contain: ``%(verbose_name)s`` and ``%(verbose_name_plural)s``."""
    return {
        "verbose_name": str(admin.opts.verbose_name),
        "verbose_name_plural": str(admin.opts.verbose_name_plural),
    }


def _schema(fields: Mapping[str, Any], form: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: describe(field, sent=True, named=True) for name, field in fields.items()
        },
        "required": [
            name
            for name, field in fields.items()
            if field.required and form.get_initial_for_field(field, name) is None
        ],
        "additionalProperties": False,
    }


def _inline(prefix: str, rows: InlineRows) -> dict[str, Any]:
    form = rows.formset.empty_form
    shown = rows.shown
    return {
        "name": prefix,
        "label": str(rows.inline.verbose_name_plural),
        "schema": _schema(rows.editable(form, is_new=True), form),
        "read_only": [name_of(each) for each in rows.names if each in rows.read_only],
        "min": rows.formset.min_num,
        "max": rows.formset.max_num,
        "permissions": {
            "add": shown.has_add_permission,
            "change": shown.has_change_permission,
            "delete": bool(shown.has_delete_permission and rows.formset.can_delete),
            "view": shown.has_view_permission,
        },
    }


def _list_options(desk: Desk, cl: Any) -> dict[str, Any]:
    admin = desk.admin
    columns = [each for each in cl.list_display if each != "action_checkbox"]
    return {
        "columns": [
            {"name": name_of(each), "sortable": bool(cl.get_ordering_field(each))}
            for each in columns
        ],
        "filters": [
            {
                "title": str(spec.title),
                "parameters": list(spec.expected_parameters()),
                "choices": [
                    {
                        "label": str(choice.get("display", "")),
                        "query": dict(QueryDict(choice["query_string"].lstrip("?")).items()),
                    }
                    for choice in spec.choices(cl)
                    if "query_string" in choice
                ],
            }
            for spec in cl.filter_specs
        ],
        "search": bool(admin.get_search_fields(desk.copy())),
        "page_size": cl.list_per_page,
        "date_hierarchy": cl.date_hierarchy,
    }
