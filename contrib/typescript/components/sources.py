"""Makes the files of a form, a table or a page: those of the name, and the parts that they use if the front end has none."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.utils.translation import override

from django_matt.contrib.typescript.clients import Endpoint, endpoints_of
from django_matt.contrib.typescript.components.fields import (
    FormField,
    Shape,
    access,
    make_shape,
    property_access,
)
from django_matt.contrib.typescript.components.resources import (
    Resource,
    contents_of,
    find_resource,
)
from django_matt.contrib.typescript.components.tables import columns_of, query_of
from django_matt.contrib.typescript.documents import read_document
from django_matt.contrib.typescript.files import output_folder
from django_matt.contrib.typescript.places import resolve
from django_matt.contrib.typescript.settings import get_settings
from django_matt.contrib.typescript.types import literal
from django_matt.forms import FieldDescription, Relation, describe
from django_matt.forms.bodies import body_of
from django_matt.forms.schemas import humanize
from django_matt.generation.orders import GenerationError, NamedOrder, NamedSources
from django_matt.generation.templates import render

__all__ = ["PACKAGES", "make"]

PACKAGES = {
    "react": {"react-hook-form": "7.92.0", "@tanstack/react-query": "5.108.4", "zod": "4.6.7"},
    "svelte": {"svelte": "5.57.3", "zod": "4.6.7"},
}
"""The npm packages that the components import, with the versions that our tests use."""
_HERE = Path(__file__).parent
_ENDS = {"react": "tsx", "svelte": "svelte"}
_TYPES = {
    "integer": "number",
    "number": "number",
    "date": "date",
    "datetime": "datetime-local",
    "time": "time",
}
_LONG_IMPORT = re.compile(r"^( *)import \{ (.{60,}) \} from", re.M)
_PLAIN = re.compile(r"[^{}<>&\"\\\n]+")


def make(kind: str, target: str, order: NamedOrder) -> NamedSources:
    """Return the files of a kind (``form``, ``table`` or ``page``) for a target (``react`` or ``svelte``).

    Raises ``GenerationError`` for a name that the API does not have, and for one that the kind cannot be made of.
    """
    try:
        options = get_settings()
        api = output_folder(options.OUTPUT)
        folder = output_folder(order.output) if order.output else api.parent
        document = read_document(options.API)
    except (CommandError, ImproperlyConfigured) as error:
        hint = " --api is the option of matt_types; here, set it in settings.MATT_TYPESCRIPT."
        raise GenerationError(f"{error}{hint if '--api' in str(error) else ''}") from None
    writer = _Writer(target, os.path.relpath(api, folder / "components").replace(os.sep, "/"))
    texts: dict[str, str] = {}
    following: list[str] = []
    for name in order.names:
        resource = find_resource(document, name, kind, options)
        # As the document: every process writes the same language.
        with override(settings.LANGUAGE_CODE):
            found = writer.files(kind, resource)
        texts |= found
        part = f"{resource.noun}{kind.capitalize()}"
        following.append(f"Use it: <{part} />, from {folder / next(reversed(found))}.")
    parts = {path: text for path, text in writer.parts(texts) if not (folder / path).exists()}
    if missing := _missing(folder, PACKAGES[target]):
        following.append(f"Install what it imports: npm install --save-exact {' '.join(missing)}")
    wanted = (
        {"react.ts": "--react", "zod.ts": "--zod"} if target == "react" else {"zod.ts": "--zod"}
    )
    if absent := [flag for file, flag in wanted.items() if not (api / file).is_file()]:
        names = ", ".join(f'"{flag[2:].upper()}": True' for flag in absent)
        following.append(
            f"Its imports need {' and '.join(absent)}: set MATT_TYPESCRIPT = {{…, {names}}}, and run manage.py matt_types write."
        )
    # What was generated is remembered in the project, or else in the nearest folder above both.
    above = Path(os.path.commonpath([order.project, folder]))
    root = folder if above == Path(above.anchor) else above
    return NamedSources(
        root,
        {
            (folder / path).relative_to(root).as_posix(): _formatted(folder, path, text)
            for path, text in sorted({**parts, **texts}.items())
        },
        following,
    )


class _Writer:
    """Renders the templates of one target."""

    def __init__(self, target: str, api: str) -> None:
        self._target = target
        self.is_react = target == "react"
        self._end = _ENDS[target]
        self._api = api

    def files(self, kind: str, resource: Resource) -> dict[str, str]:
        """Return the files of a kind by their paths, the one that was asked for last."""
        found: dict[str, str] = {}
        has_form = bool(resource.create or resource.change)
        if kind == "form" or (kind == "page" and has_form):
            found |= self._named(resource, "form", **self._form(resource))
        if kind != "form":
            found |= self._named(resource, "table", **self._table(resource))
        if kind == "page":
            found |= self._named(resource, "page", **self._page(resource))
        return found

    def parts(self, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the files that these import, and those that they import in turn."""
        folder = _HERE / self._target
        known = {
            f"components/{path.relative_to(folder).as_posix()}": path
            for path in folder.rglob(f"*.{self._end}")
        }
        known |= {f"lib/{path.name}": path for path in (_HERE / "shared").glob("*.ts")}
        waiting, seen = list(texts.items()), set(texts)
        while waiting:
            path, text = waiting.pop()
            for imported in re.findall(r'from "(\.[^"]+)"', text):
                name = os.path.normpath(f"{Path(path).parent.as_posix()}/{imported}").replace(
                    os.sep, "/"
                )
                for each in (name, f"{name}.ts", f"{name}.{self._end}"):
                    if each in known and each not in seen:
                        seen.add(each)
                        made = (
                            known[each].read_text(encoding="utf-8").replace("<< api >>", self._api)
                        )
                        waiting.append((each, made))
                        yield each, made

    def _named(self, resource: Resource, kind: str, **values: Any) -> dict[str, str]:
        file = _kebab(resource.noun)
        words = humanize(resource.noun)
        text = render(
            _HERE / self._target / f"{kind}.{self._end}-tpl",
            api=self._api,
            noun=resource.noun,
            file=file,
            title=words.lower(),
            plural=humanize(resource.list.group) if resource.list else words,
            open=f"<{resource.noun}",
            **values,
        )
        return {f"components/{file}-{kind}.{self._end}": _LONG_IMPORT.sub(_broken, text)}

    # ---- a form ----

    def _form(self, resource: Resource) -> dict[str, Any]:
        main = cast("Endpoint", resource.create or resource.change)
        contents = contents_of(main)
        body = main.operation.bound and body_of(main.operation.bound)
        try:
            form = describe(body, api=resource.document.api) if body else None
        except TypeError:
            form = None
        if form is None or not {"application/json", "multipart/form-data"} & contents.keys():
            raise GenerationError(
                f"{main.group}.{main.verb} takes a body without fields of its own, so there is no form for it."
            )
        change = self._change(resource)
        shape = make_shape(
            form,
            resource.noun[:1].lower() + resource.noun[1:],
            document=resource.document,
            body=contents.get("multipart/form-data", {}),
            item=resource.item if change else {},
        )
        only_new = (
            _names_of(main) - _names_of(resource.change) if change and resource.change else set()
        )
        if change and resource.create and resource.change:
            change["body"] = self._changed_body(resource, shape, only_new)
        elif change:
            change["body"] = "body"
        arrays: list[dict[str, str]] = []
        relations: dict[str, dict[str, Any]] = {}
        markup = _Markup(self, resource, arrays, relations)
        fields = [
            _unless(each.name in only_new, self._target, markup.of(each, each.name))
            for each in shape.fields
        ]
        validated = f"{main.name}Body"
        is_mixed = len(contents) > 1 and any(each.widget == "file" for each in shape.fields)
        sent = f"{shape.function}Body(values)"
        checked = f"check({validated}, {f'withoutFiles({sent})' if is_mixed else sent})"
        shapes = render(
            _HERE / "shared" / "shapes.ts-tpl",
            shapes=list(shape.walk()),
            relations=relations.values(),
        )
        everything = "\n".join(
            [
                *fields,
                shapes,
                checked,
                change["body"] if change else "",
                self._item_type(resource) if change else "",
            ]
        )
        saved = [
            each.name for each in (resource.create, resource.change if change else None) if each
        ]
        types = {main.name, *saved, *re.findall(r"typeof (\w+)", everything)}
        values = {
            each[name] for each in relations.values() for name in ("list", "show") if each[name]
        }
        helpers = {name for name in _exports() if re.search(rf"\b{name}\b", everything)}
        helpers |= {
            "type BodyOf",
            "type DataOf",
            "type Fields",
            "type Loose",
            "mistakesOf",
            "check",
        }
        helpers |= {"type Choice"} if relations else set()
        helpers |= set() if self.is_react else {"byField"}
        calls = [each for each in (resource.create, resource.change if change else None) if each]
        values |= set() if self.is_react else {each.name for each in calls}
        return {
            "main": main,
            "create": resource.create
            and {"hook": _hook(resource.create), "name": resource.create.name},
            "change": change,
            "shape": shape,
            "generic": f"<{shape.type}>",
            "checked": checked,
            "fields": "\n".join(fields),
            "shapes": shapes if self.is_react else indent(shapes, "  ").rstrip(),
            "arrays": arrays,
            "item_type": self._item_type(resource) if change else "",
            "saved_type": " | ".join(f"DataOf<typeof {name}>" for name in saved),
            "api_names": self._api_names(types, values),
            "unwraps": bool(relations),
            "hooks": sorted(map(_hook, calls)),
            "validators": [validated],
            "helpers": sorted(helpers, key=_as_biome),
            "components": self._components(everything, is_form=True),
            "hook_form": ", ".join(
                name
                for name, is_used in (
                    ("Controller", "<Controller" in everything),
                    ("useFieldArray", arrays),
                    ("useForm", True),
                )
                if is_used
            ),
            "has_relations": bool(relations),
        }

    def _change(self, resource: Resource) -> dict[str, Any] | None:
        if resource.change is None or not (resource.show or resource.list):
            return None
        key = resource.key_of(resource.change, resource.item)
        if key is None:
            return None
        return {
            "hook": _hook(resource.change),
            "name": resource.change.name,
            "key": literal(key[0]) if access(key[0])[0] == "[" else key[0],
            "property": access(key[1]),
        }

    def _changed_body(self, resource: Resource, shape: Shape, only_new: set[str]) -> str:
        change = cast("Endpoint", resource.change)
        if change.operation.method == "patch":
            before = f"{shape.function}Body({shape.function}Values(item))"
            return f"changed<BodyOf<typeof {change.name}>>(body, {before})"
        if resource.create and contents_of(change) == contents_of(resource.create):
            return "body"
        return f"without<BodyOf<typeof {change.name}>>(body, {literal(sorted(only_new))})"

    def _item_type(self, resource: Resource) -> str:
        if resource.show is not None:
            return f"DataOf<typeof {resource.show.name}>"
        return _row_type(resource)

    def _components(self, text: str, *, is_form: bool) -> list[dict[str, str]]:
        """Return the imports of the parts that a text uses."""
        known = {
            "FileInput": "file-input",
            "FormField": "form-field",
            "RelationSelect": "relation-select",
            **dict.fromkeys(
                ("FieldDescription", "FieldError", "FieldGroup", "FieldLegend", "FieldSet"),
                "ui/field",
            ),
            **dict.fromkeys(
                ("Table", "TableBody", "TableCell", "TableHead", "TableHeader", "TableRow"),
                "ui/table",
            ),
            **dict.fromkeys(("NativeSelect", "NativeSelectOption"), "ui/native-select"),
            "Button": "ui/button",
            "Input": "ui/input",
            "Textarea": "ui/textarea",
        }
        used = [name for name in known if re.search(rf"<{name}\b", text)]
        if not self.is_react:
            own = {"FormField", "FileInput", "RelationSelect"}
            paths = {
                name: known[name] if name in own else f"{known[name]}/{known[name][3:]}"
                for name in {*used, *(["Button"] if is_form else [])}
                if name in own or known[name] not in ("ui/field", "ui/table")
            }
            return [
                {"path": f"{path}.svelte", "names": name}
                for name, path in sorted(paths.items(), key=lambda pair: pair[1])
                if name != "NativeSelectOption"
            ]
        found: dict[str, set[str]] = {}
        if is_form:
            found = {
                "form-field": {"resolverOf", "showMistakes"},
                "ui/button": {"Button"},
                "ui/field": {"FieldError", "FieldGroup"},
            }
        for name in used:
            found.setdefault(known[name], set()).add(name)
        return [
            {"path": path, "names": ", ".join(sorted(found[path], key=str.lower))}
            for path in sorted(found)
        ]

    def _api_names(self, types: set[str], values: set[str]) -> list[str]:
        return [name if name in values else f"type {name}" for name in sorted(types | values)]

    # ---- a table and a page ----

    def _table(self, resource: Resource) -> dict[str, Any]:
        endpoint = cast("Endpoint", resource.list)
        query, paging = query_of(endpoint), endpoint.paging
        columns = columns_of(resource, endpoint)
        openapi = resource.document.openapi
        rows = resolve(openapi, resource.row).get("properties", {})
        key = next((name for name in ("id", "pk", "uuid", "slug") if name in rows), "")
        page = resolve(openapi, endpoint.responses["200"]["application/json"]["schema"])
        cells = " ".join(each.cell for each in columns)
        is_stateful = bool(query["search"] or query["sorted"] or paging)
        helpers = [name for name in ("shown", "shownDate") if f"{name}(" in cells]
        helpers += [] if self.is_react else ["mistakesOf"]
        helpers += ["type DataOf", *(["type QueryOf"] if is_stateful else [])]
        return {
            "list": endpoint,
            "query": query,
            "paging": paging,
            "columns": [
                {
                    "name": each.name,
                    "text": self.text(each.label),
                    "cell": each.cell,
                    "is_number": each.is_number,
                    "is_sorted": each.is_sorted,
                }
                for each in columns
            ],
            "row_key": access(key) if key else "",
            "row_type": _row_type(resource),
            "has_count": "count" in page.get("properties", {}),
            "is_stateful": is_stateful,
            "helpers": sorted(helpers, key=_as_biome),
            "components": self._components(
                f"<Table <TableBody <TableCell <TableHead <TableHeader <TableRow {'<Input ' if query['search'] else ''}{'<Button' if paging else ''}",
                is_form=False,
            ),
        }

    def _page(self, resource: Resource) -> dict[str, Any]:
        change = self._change(resource)
        create = bool(resource.create)
        loads = change is not None and resource.show is not None and resource.item != resource.row
        found: dict[str, Any] = {
            "change": change,
            "create": create,
            "has_form": create or bool(change),
        }
        for name, endpoint, is_wanted in (
            ("delete", resource.delete, True),
            ("show", resource.show, loads),
        ):
            key = resource.key_of(endpoint, resource.row) if endpoint and is_wanted else None
            found[name] = (
                endpoint
                and key
                and {
                    "hook": _hook(endpoint),
                    "name": endpoint.name,
                    "key": key[0],
                    "property": access(key[1]),
                }
            )
        found["loads"] = bool(loads and found["show"])
        parts = [f"{resource.noun}Row" if change else "", '"new"' if create else ""]
        found["edited_type"] = f"<{' | '.join(filter(None, parts))}>"
        return found

    # ---- markup ----

    def text(self, text: str) -> str:
        """Return a text between tags."""
        return text if _PLAIN.fullmatch(text) else f"{{{literal(text)}}}"

    def attribute(self, text: str) -> str:
        """Return a text as the value of an attribute."""
        return literal(text) if _PLAIN.fullmatch(text) else f"{{{literal(text)}}}"

    def field(self, **values: Any) -> str:
        """Return the markup of a field."""
        return render(_HERE / self._target / f"field.{self._end}-tpl", **values).rstrip("\n")


class _Markup:
    """Writes the fields of one form, and notes the lists and relations that they need."""

    def __init__(
        self,
        writer: _Writer,
        resource: Resource,
        arrays: list[dict[str, str]],
        relations: dict[str, dict[str, Any]],
    ) -> None:
        self._writer = writer
        self._resource = resource
        self._arrays = arrays
        self._relations = relations
        self._is_react = writer.is_react

    def of(
        self,
        each: FormField,
        path: str,
        place: Sequence[str] = (),
        *,
        is_required: bool = True,
    ) -> str:
        """Return the markup of a field. ``path`` may contain ``${index}``; ``place`` is how its owner is reached.

        ``is_required`` is false inside of an object that may be left out.
        """
        described, widget = each.description, each.widget
        help_text = described.help or ("One on each line." if widget == "lines" else "")
        is_required &= described.required
        inner_path = f"{path}.${{index}}" if widget == "rows" else path
        inner_place = (*place, each.name, *(["[index]"] if widget == "rows" else []))
        children = [
            self.of(
                child,
                f"{inner_path}.{child.name}",
                inner_place,
                is_required=is_required or widget == "rows",
            )
            for child in (each.shape.fields if each.shape else ())
        ]
        name = f"`{path}`" if "${" in path else literal(path)
        error = self._error((*place, each.name), name, widget)
        array = ""
        if widget == "rows":
            array = re.sub(r"\W+(\w?)", lambda match: match[1].upper(), path) + "Rows"
            self._arrays.append({"name": array, "path": path})
        relation = self._relation(described) if widget == "relation" else None
        has_empty = described.nullable or not (
            described.has_default and described.default is not None
        )
        return self._writer.field(
            widget=widget,
            path=name,
            path_attribute=name if name[0] == '"' else f"{{{name}}}",
            value=self._value((*place, each.name)),
            error=error,
            label=literal(described.label),
            label_text=self._writer.text(described.label),
            label_attribute=self._writer.attribute(described.label),
            help=help_text,
            help_text=self._writer.text(help_text),
            help_attribute=self._writer.attribute(help_text),
            required=is_required,
            many=described.many,
            options=[
                {
                    "value": self._writer.attribute(
                        str(value).lower() if isinstance(value, bool) else str(value)
                    ),
                    "text": self._writer.text(label),
                }
                for value, label in described.options
            ],
            has_empty=has_empty,
            attributes=_attributes(each, is_react=self._is_react),
            current="" if place else self._current(each),
            children=indent("\n".join(children), "  "),
            array=array,
            function=each.shape.function if each.shape else "",
            relation=relation,
        )

    def _error(self, place: Sequence[str], name: str, widget: str) -> str:
        if not self._is_react:
            return property_access("errors", place[0]) if len(place) == 1 else f"errors[{name}]"
        found = "errors"
        for part in place:
            found += f"?.{part}" if part == "[index]" else f"?.{access(part)}".replace("?..", "?.")
        found = found.replace("errors?.", "errors.", 1)
        return f"{found}?.message" + (f" ?? {found}?.root?.message" if widget == "rows" else "")

    def _value(self, place: Sequence[str]) -> str:
        """Return the variable that Svelte binds: that of a row begins with ``row``."""
        after = place[place.index("[index]") + 1 :] if "[index]" in place else place
        return ("row" if "[index]" in place else "values") + "".join(map(access, after))

    def _current(self, each: FormField) -> str:
        properties = resolve(self._resource.document.openapi, self._resource.item).get(
            "properties", {}
        )
        is_text = "string" in str(properties.get(each.name, ""))
        has_item = self._writer._change(self._resource) is not None
        if not (each.widget == "file" and is_text and has_item):
            return ""
        return f"item{'?' if self._resource.create else ''}{access(each.name)} ?? undefined"

    def _relation(self, each: FieldDescription) -> dict[str, Any]:
        relation = cast("Relation", each.relation)
        endpoints = endpoints_of(self._resource.document)
        listed = next(
            one
            for one in endpoints
            if one.operation.path == relation.url and one.operation.method == "get"
        )
        noun = listed.group[:1].upper() + listed.group[1:]
        if noun not in self._relations:
            group = find_resource(self._resource.document, listed.group, "table", get_settings())
            shown = group.show if group.item else None
            key = group.key_of(shown, group.item) if shown else None
            properties = resolve(group.document.openapi, group.item).get("properties", {})
            usable = (
                shown
                and key
                and key[1] == relation.value
                and (relation.label or relation.value) in properties
            )
            parameter = (
                next((p for p in shown.parameters if p["in"] == "path"), {}) if shown else {}
            )
            is_number = parameter.get("schema", {}).get("type") in ("integer", "number")
            self._relations[noun] = {
                "noun": noun,
                "group": listed.group,
                "list": listed.name,
                "rows": access(listed.paging.rows) if listed.paging else "",
                "search": relation.search or "",
                "value": access(relation.value),
                "label": access(relation.label or relation.value),
                "show": shown.name if shown and usable else "",
                "key": key[0] if key else "",
                "path_value": "Number(key)" if is_number else "key",
            }
        return self._relations[noun]


def _attributes(each: FormField, *, is_react: bool) -> str:
    """Return the attributes of an input that help to enter a value; the validators check it."""
    described, widget = each.description, each.widget
    found: dict[str, Any] = {}
    names = {"maxLength": "maxlength", "autoComplete": "autocomplete", "inputMode": "inputmode"}
    if widget == "input":
        kind = described.kind
        is_number = kind in ("integer", "number")
        found["type"] = _TYPES.get(kind) or (
            described.widget
            if described.widget in ("email", "url", "password", "color")
            else "text"
        )
        if is_number and not is_react:
            # Svelte binds an input of this type to a number, which cannot be what is not one yet.
            found |= {"type": "text", "inputMode": "numeric" if kind == "integer" else "decimal"}
        elif kind == "decimal":
            found["inputMode"] = "decimal"
        elif is_number:
            found |= {
                "min": described.minimum,
                "max": described.maximum,
                "step": described.step or "any",
            }
        elif kind in ("datetime", "time"):
            found["step"] = 1
    if widget == "file":
        found |= {"accept": described.accept or None, "multiple": described.many or None}
    if widget in ("textarea", "json", "lines"):
        found["rows"] = 4
    if widget in ("input", "textarea"):
        found |= {
            "maxLength": described.max_length,
            "placeholder": described.placeholder or None,
            "autoComplete": described.autocomplete or None,
        }
    parts = []
    for name, value in found.items():
        written = name if is_react else names.get(name, name)
        if value is True:
            parts.append(f" {written}")
        elif value is not None:
            text = (
                literal(value)
                if isinstance(value, str) and _PLAIN.fullmatch(value)
                else f"{{{literal(value)}}}"
            )
            parts.append(f" {written}={text}")
    return "".join(parts)


def _unless(is_new: bool, target: str, markup: str) -> str:
    """Return the markup of a field that only a new object has."""
    if not is_new:
        return markup
    return (
        f"{{!item && (\n{markup}\n)}}" if target == "react" else f"{{#if !item}}\n{markup}\n{{/if}}"
    )


def _names_of(endpoint: Endpoint | None) -> set[str]:
    if endpoint is None:
        return set()
    return {
        name
        for schema in contents_of(endpoint).values()
        for name in resolve(endpoint.document.openapi, schema).get("properties", {})
    }


def _row_type(resource: Resource) -> str:
    listed = cast("Endpoint", resource.list)
    rows = f'["{listed.paging.rows}"]' if listed.paging else ""
    return f"DataOf<typeof {listed.name}>{rows}[number]"


def _hook(endpoint: Endpoint) -> str:
    return f"use{endpoint.name[:1].upper()}{endpoint.name[1:]}"


def _exports() -> list[str]:
    text = (_HERE / "shared" / "forms.ts").read_text(encoding="utf-8")
    return re.findall(r"^export (?:const|function) (\w+)", text, re.M)


def _broken(line: re.Match[str]) -> str:
    """Return a long import with a name on each line."""
    names = "".join(f"\n{line[1]}  {name}," for name in line[2].split(", "))
    return f"{line[1]}import {{{names}\n{line[1]}}} from"


def _as_biome(name: str) -> list[tuple[str, bool]]:
    """Return what Biome sorts imported names by: each letter, and of the same letters the capital first."""
    return [(letter.lower(), letter.islower()) for letter in name.removeprefix("type ")]


def _kebab(noun: str) -> str:
    return re.sub(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", noun).lower()


def _missing(folder: Path, packages: Mapping[str, str]) -> list[str]:
    """Return the packages that no ``node_modules`` above a folder has, with their versions."""
    places = [each / "node_modules" for each in (folder, *folder.parents)]
    return [
        f"{name}@{version}"
        for name, version in packages.items()
        if not any((place / name).exists() for place in places)
    ]


def _formatted(folder: Path, path: str, text: str) -> str:
    """Return a text as the front end's own Biome writes it; as it is if there is none."""
    for place in (folder, *folder.parents):
        biome = place / "node_modules" / "@biomejs" / "biome" / "bin" / "biome"
        node = shutil.which("node")
        if node and biome.is_file():
            # It does not see the markup of Svelte unless it is told to, and would change what only that uses.
            verb = ["format"] if path.endswith(".svelte") else ["check", "--write"]
            command: Iterable[str] = (node, str(biome), *verb, f"--stdin-file-path={folder / path}")
            done = subprocess.run(  # noqa: S603 - no shell, and the front end's own formatter
                list(command),
                input=text,
                cwd=place,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            return done.stdout or text
    return text
