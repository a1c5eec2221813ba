"""The page of one object, which Django's view has made and nobody has rendered: its values, its state, its errors."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.admin.utils import flatten_fieldsets, lookup_field
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ObjectDoesNotExist
from django.utils.crypto import salted_hmac

from django_matt.contrib.admin_api.fields import is_shown, show
from django_matt.errors.problems import FieldError

__all__ = ["FormPage", "InlineRows", "is_hash", "name_of", "value_of"]


class FormPage:
    """What the add or change view shows, from the context of its page."""

    def __init__(self, admin: Any, context: Mapping[str, Any]) -> None:
        """Take the ``ModelAdmin`` and the context."""
        self.admin = admin
        adminform = context["adminform"]
        self.form = adminform.form
        self.names = flatten_fieldsets(adminform.fieldsets)
        self.fieldsets = adminform.fieldsets
        self.read_only = set(adminform.readonly_fields)
        self.original: Any = context.get("original")
        self.inlines = {
            each.formset.prefix: InlineRows(each) for each in context["inline_admin_formsets"]
        }

    def editable(self) -> dict[str, Any]:
        """Return the form fields that the user may change, by name."""
        return _editable(self.form, self.read_only)

    def values(self) -> dict[str, Any]:
        """Return the object as the page shows it, and the rows of its inlines."""
        found = {"id": show(self.original.pk), "__str__": str(self.original)}
        found |= _values(self.names, self.form, self.read_only, self.original, self.admin)
        for prefix, rows in self.inlines.items():
            found[prefix] = rows.values()
        return found

    def etag(self) -> str:
        """Return the entity tag of the state that the user sees: columns, many-to-many fields, rows of inlines."""
        forms = [self.form, *(form for rows in self.inlines.values() for form in rows.forms())]
        state = []
        for form in forms:
            opts = form.instance._meta
            state.append(
                [form.instance.serializable_value(f.attname) for f in opts.concrete_fields]
            )
            many = {f.name for f in opts.many_to_many} & form.initial.keys()
            state += [sorted(str(each.pk) for each in form.initial[name]) for name in sorted(many)]
        return (
            f'"{salted_hmac("matt.admin_api", repr(state), algorithm="sha256").hexdigest()[:24]}"'
        )

    def errors(self, rows: Mapping[tuple[str, int], int]) -> list[FieldError]:
        """Return what the forms refuse. ``rows`` has the place in the body of each row that was sent."""
        found = list(_errors(self.form, ("body",)))
        for prefix, inline in self.inlines.items():
            for index, form in enumerate(inline.formset.forms):
                at = rows.get((prefix, index))
                place = ("body", prefix) if at is None else ("body", prefix, at)
                found += _errors(form, place, is_sent=at is not None)
            found += [
                FieldError(("body", prefix), text) for text in inline.formset.non_form_errors()
            ]
        return found


class InlineRows:
    """The rows of one inline."""

    def __init__(self, shown: Any) -> None:
        """Take what Django's page has: an ``InlineAdminFormSet``."""
        self.shown = shown
        self.inline = shown.opts
        self.formset = shown.formset
        parent = getattr(getattr(self.formset, "fk", None), "name", None)
        self.names = [each for each in flatten_fieldsets(shown.fieldsets) if each != parent]
        self.read_only = set(shown.readonly_fields)

    def forms(self) -> list[Any]:
        """Return the forms of the stored rows."""
        return list(self.formset.initial_forms)

    def values(self) -> list[dict[str, Any]]:
        """Return the stored rows."""
        read_only = self.read_only if self.shown.has_change_permission else set(self.names)
        return [
            {"id": show(form.instance.pk), "__str__": str(form.instance)}
            | _values(self.names, form, read_only, form.instance, self.inline)
            for form in self.forms()
        ]

    def editable(self, form: Any, *, is_new: bool) -> dict[str, Any]:
        """Return the form fields of a row that the user may set, by name."""
        may = self.shown.has_add_permission if is_new else self.shown.has_change_permission
        if not may:
            return {}
        fields = _editable(form, self.read_only)
        return {name: fields[name] for name in self.names if name in fields}


def name_of(field: Any) -> str:
    """Return the name of what a ``ModelAdmin`` shows: a field, a method or a function."""
    return field if isinstance(field, str) else str(getattr(field, "__name__", field))


def value_of(field: Any, obj: Any, owner: Any) -> Any:
    """Return what a list or a read-only field shows of an object."""
    if is_hash(obj, field):
        return None
    try:
        _, _, value = lookup_field(field, obj, owner)
    except ObjectDoesNotExist:
        return None
    return show(value)


def _editable(form: Any, read_only: set[Any]) -> dict[str, Any]:
    return {
        name: field
        for name, field in form.fields.items()
        if name not in read_only and not field.disabled
    }


def _values(names: Any, form: Any, read_only: set[Any], obj: Any, owner: Any) -> dict[str, Any]:
    found = {}
    for each in names:
        field = form.fields.get(each)
        if (field is not None and not is_shown(field)) or is_hash(obj, each):
            continue
        if field is None or each in read_only:
            found[name_of(each)] = value_of(each, obj, owner)
        else:
            found[each] = _initial(form, field, each, obj)
    return found


def _initial(form: Any, field: Any, name: str, obj: Any) -> Any:
    value = form.get_initial_for_field(field, name)
    queryset = getattr(field, "queryset", None)
    if queryset is None or value in (None, ""):
        return show(value)
    if not hasattr(value, "pk") and not isinstance(value, list | tuple):
        # A foreign key: the form has its value, and the object is loaded at most once.
        related = getattr(obj, name, None) if name in _relations(obj) else None
        key = field.to_field_name or "pk"
        if related is None or getattr(related, key, None) != value:
            related = queryset.filter(**{key: value}).first()
        return {
            "id": show(value),
            "label": "" if related is None else field.label_from_instance(related),
        }
    if isinstance(value, list | tuple):
        return [
            {"id": show(getattr(each, "pk", each)), "label": field.label_from_instance(each)}
            for each in value
        ]
    return show(value)


def is_hash(obj: Any, name: Any) -> bool:
    """Whether a field has the hash of a user's password, which Django's pages do not show as it is."""
    return name == "password" and isinstance(obj, AbstractBaseUser)


def _relations(obj: Any) -> set[str]:
    return {field.name for field in obj._meta.concrete_fields if field.is_relation}


def _errors(form: Any, place: tuple[Any, ...], *, is_sent: bool = True) -> Iterator[FieldError]:
    for name, errors in form.errors.items():
        at = place if name == "__all__" or not is_sent else (*place, name)
        for error in errors.as_data():
            for text in error.messages:
                said = text if is_sent or name == "__all__" else f"{name}: {text}"
                yield FieldError(at, said, error.code or "invalid")
