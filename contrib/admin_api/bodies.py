"""A body as the data of a page's forms, as a browser would send them."""

import json
from collections.abc import Mapping
from typing import Any

from django.forms import FileField, JSONField
from django.http import HttpRequest, QueryDict

from django_matt.contrib.admin_api.errors import FormRefused
from django_matt.contrib.admin_api.fields import show, write
from django_matt.contrib.admin_api.pages import FormPage, InlineRows, name_of
from django_matt.errors.problems import FieldError

__all__ = ["Sent"]


class Sent:
    """A body as the data of a page's forms: what was not sent is as the page shows it.

    ``rows`` has the place in the body of each row of an inline, by prefix and number of its form.
    """

    def __init__(self, request: HttpRequest, page: FormPage, body: Mapping[str, Any]) -> None:
        """Make the form data. Raises ``FormRefused`` for unknown and read-only fields, and for values of no use."""
        self.data = QueryDict(mutable=True)
        self.rows: dict[tuple[str, int], int] = {}
        self.errors: list[FieldError] = []
        self.files = request.FILES
        self.file_names: set[str] = set()
        self.is_form = (request.content_type or "").startswith(
            ("multipart/", "application/x-www-form-urlencoded")
        )
        rows = {name: body[name] for name in body if name in page.inlines}
        given = {name: value for name, value in body.items() if name not in rows}
        shown = {*map(name_of, page.names), "id", "__str__"}
        self._write_form(page.form, page.editable(), given, shown, ("body",))
        for prefix, inline in page.inlines.items():
            self._write_rows(prefix, inline, rows.get(prefix))
        for name in self.files:
            if name not in self.file_names:
                self._add(("body", name), "There is no such file to send.", "unknown_field")
        if self.errors:
            raise FormRefused(self.errors)

    def _write_form(
        self,
        form: Any,
        editable: Mapping[str, Any],
        given: Mapping[str, Any],
        shown: set[str],
        place: tuple[Any, ...],
    ) -> None:
        for name in given:
            if name not in editable:
                if name in shown or name in form.fields:
                    self._add((*place, name), "This field is read only.", "read_only")
                else:
                    self._add((*place, name), "There is no such field.", "unknown_field")
        for name, field in form.fields.items():
            full = form.add_prefix(name)
            is_given = name in given and name in editable
            if isinstance(field, FileField):
                if name in editable:
                    self.file_names.add(full)
                self._write_file(
                    full, field, given.get(name, "") if is_given else "", (*place, name)
                )
                continue
            initial = form.get_initial_for_field(field, name)
            if field.show_hidden_initial:  # for a default that is a function
                write(field, form.add_initial_prefix(name), initial, self.data)
            value = given[name] if is_given else initial
            if is_given and self.is_form and isinstance(field, JSONField):
                self.data[full] = value
                continue
            problem = write(field, full, value, self.data)
            if problem is not None and is_given:
                self._add((*place, name), problem, "invalid")

    def _write_file(self, name: str, field: Any, value: Any, place: tuple[Any, ...]) -> None:
        if value is None:
            self.data[f"{name}-clear"] = "on"
            if field.required:
                self._add(place, "This field is required.", "required")
        elif value != "" and name not in self.files:
            text = "A file cannot be sent in JSON: send the body as multipart/form-data."
            self._add(place, text, "file_in_json")

    def _write_rows(self, prefix: str, inline: InlineRows, given: Any) -> None:
        place = ("body", prefix)
        if isinstance(given, str) and self.is_form:
            try:
                given = json.loads(given)
            except ValueError:
                given = "?"
        if given is not None and not (
            isinstance(given, list) and all(isinstance(each, dict) for each in given)
        ):
            self._add(place, "This must be a list of objects.", "invalid")
            return
        formset = inline.formset
        forms = inline.forms()
        numbers = {str(show(form.instance.pk)): number for number, form in enumerate(forms)}
        changes: dict[int, tuple[int, dict[str, Any]]] = {}
        new: list[tuple[int, dict[str, Any]]] = []
        for at, row in enumerate(given or ()):
            if row.get("id") is None:
                new.append((at, row))
            elif (number := numbers.get(str(row["id"]))) is None or number in changes:
                self._add(
                    (*place, at, "id"),
                    "The object has no such row, or it is there twice.",
                    "unknown_row",
                )
            else:
                changes[number] = (at, row)
        for number, form in enumerate(forms):
            place_of_row, values = changes.get(number, (None, {}))
            self._write_row(inline, form, number, place_of_row, values, is_new=False)
        for number, (at, row) in enumerate(new, start=len(forms)):
            if not inline.shown.has_add_permission:
                self._add((*place, at), "You may not add rows.", "read_only")
            form = formset.empty_form
            form.prefix = formset.add_prefix(number)
            self._write_row(inline, form, number, at, row, is_new=True)
        total = len(forms) + len(new)
        for name, count in (("TOTAL", total), ("INITIAL", len(forms))):
            self.data[f"{prefix}-{name}_FORMS"] = str(count)

    def _write_row(
        self,
        inline: InlineRows,
        form: Any,
        number: int,
        at: int | None,
        row: Mapping[str, Any],
        *,
        is_new: bool,
    ) -> None:
        prefix = inline.formset.prefix
        place = ("body", prefix) if at is None else ("body", prefix, at)
        if at is not None:
            self.rows[prefix, number] = at
        given = {name: value for name, value in row.items() if name not in ("id", "delete")}
        pk = inline.formset.model._meta.pk.name
        editable = inline.editable(form, is_new=is_new)
        fields = {name: field for name, field in form.fields.items() if name != "DELETE"}
        form.fields = fields
        self._write_form(form, editable, given, {*map(name_of, inline.names), "__str__"}, place)
        if pk in fields and not is_new:
            self.data[f"{form.prefix}-{pk}"] = str(form.instance.pk)
        if row.get("delete") not in (None, False):
            if row["delete"] is not True or is_new:
                self._add(
                    (*place, "delete"), "Only a stored row can be deleted, with true.", "invalid"
                )
            elif not (inline.shown.has_delete_permission and inline.formset.can_delete):
                self._add((*place, "delete"), "You may not delete this row.", "read_only")
            self.data[f"{form.prefix}-DELETE"] = "on"

    def _add(self, place: tuple[Any, ...], text: str, code: str) -> None:
        self.errors.append(FieldError(place, text, code))
