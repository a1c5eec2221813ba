"""Serializers as schemas: one for what goes out, and one for what comes in."""

import ast
import json
import re
from collections.abc import Iterator

import libcst as cst
import libcst.matchers as m

from django_matt.contrib.upgrades.drafts.bodies import methods_text
from django_matt.contrib.upgrades.drafts.classes import Class, Draft, Project, code, strings

__all__ = ["draft_serializer", "is_serializer", "model_of", "schema_names"]

_TYPES = {
    "BooleanField": "bool",
    "CharField": "str",
    "EmailField": "str",
    "SlugField": "str",
    "URLField": "str",
    "RegexField": "str",
    "IPAddressField": "str",
    "ChoiceField": "str",
    "MultipleChoiceField": "list[str]",
    "FileField": "str",
    "ImageField": "str",
    "FilePathField": "str",
    "StringRelatedField": "str",
    "SlugRelatedField": "str",
    "HyperlinkedRelatedField": "str",
    "HyperlinkedIdentityField": "str",
    "IntegerField": "int",
    "PrimaryKeyRelatedField": "int",
    "FloatField": "float",
    "DecimalField": "Decimal",
    "DateTimeField": "datetime",
    "DateField": "date",
    "TimeField": "time",
    "DurationField": "timedelta",
    "UUIDField": "UUID",
    "DictField": "dict[str, Any]",
    "ListField": "list[Any]",
}
_IMPORTS = {
    "Decimal": "from decimal import Decimal",
    "datetime": "from datetime import datetime",
    "date": "from datetime import date",
    "time": "from datetime import time",
    "timedelta": "from datetime import timedelta",
    "UUID": "from uuid import UUID",
    "Any": "from typing import Any",
    "Literal": "from typing import Literal",
}
_CHOICES = {"ChoiceField", "MultipleChoiceField"}
_BOUNDS = {
    "max_length": "max_length",
    "min_length": "min_length",
    "max_value": "le",
    "min_value": "ge",
}
_KNOWN = {
    *_BOUNDS,
    *(
        "read_only",
        "write_only",
        "required",
        "allow_null",
        "default",
        "source",
        "many",
        "help_text",
        "label",
    ),
    *("allow_blank", "max_digits", "decimal_places", "child", "queryset", "choices", "slug_field"),
}
"""The options that are carried over, and those that a schema does not need."""


def is_serializer(project: Project, each: Class) -> bool:
    """Return whether a class is a serializer."""
    return any(name.startswith("serializers.") for name in project.extends(each))


def schema_names(name: str) -> tuple[str, str]:
    """Return the names of the two schemas of a serializer: ``("BookIn", "BookOut")``."""
    stem = name.removesuffix("Serializer") or name
    return f"{stem}In", f"{stem}Out"


def model_of(project: Project, serializer: Class) -> str:
    """Return the code that names a serializer's model; empty without one."""
    meta = _meta_of(project, serializer)
    return meta.text("model") if meta else ""


def _meta_of(project: Project, serializer: Class) -> Class | None:
    """Return the ``Meta`` of a serializer, which may be that of a base."""
    found = (one.inner("Meta") for one in reversed(project.lineage(serializer)))
    return next((meta for meta in found if meta), None)


def draft_serializer(project: Project, each: Class, draft: Draft) -> None:
    """Add the schemas of a serializer to a draft."""
    lineage = project.lineage(each)
    meta = _meta_of(project, each)
    model = meta.text("model") if meta else ""
    methods = {name: method for name, (_, method) in project.methods(each).items()}
    declared = {
        name: value
        for one in lineage
        for name, value in one.assignments()
        if isinstance(value, cst.Call)
    }
    if meta and meta.node.bases:
        # What it inherits may hide fields.
        draft.notes.append(
            each.note("Meta extends another class: the schemas have no fields.", meta.node)
        )
        draft.matt.add("Schema")
        draft.parts += [f"class {name}(Schema):\n    pass" for name in schema_names(each.name)]
        return
    listed = strings(meta.value("fields")) if meta else []
    fixed, hidden = _limits(meta, declared)
    used: set[str] = set()
    for number, schema in enumerate(schema_names(each.name)):
        left_out = hidden if number else fixed
        lines: list[str] = []
        for name, value in declared.items():
            if name not in left_out and (not listed or listed == ["__all__"] or name in listed):
                lines += _field(project, each, draft, name, value, is_out=bool(number))
        # What a schema declares hides the field of the model; only what it leaves out has to be excluded.
        shown = {line.partition(":")[0] for line in lines}
        if model:
            absent = _not_of(project, model, (left_out | set(declared)) - shown)
            names = left_out | set(declared)
            part = _meta(
                meta, listed, names, draft, model, unneeded=shown | absent, is_out=bool(number)
            )
            lines += ["", *part] if part else []
        if number:
            for name, value in declared.items():
                if _kind(value) == "SerializerMethodField" and name not in left_out:
                    method = (
                        strings(value.args[0].value)[0]
                        if value.args and not value.args[0].keyword
                        else f"get_{name}"
                    )
                    used.add(method)
                    lines += _resolver(each, draft, name, methods.get(method))
        base = "ModelSchema" if "class Meta:" in lines else "Schema"
        draft.matt.add(base)
        text = "\n".join(f"    {line}".rstrip() for line in lines).strip("\n") or "    pass"
        draft.parts.append(f"class {schema}({base}):\n{text}")
    for name, function in methods.items():
        if name not in used:
            draft.notes.append(each.note(f"the method {name} was not carried over.", function.name))
    if meta and meta.text("depth"):
        draft.notes.append(each.note("Meta.depth was not carried over: nest schemas.", meta.node))


def _limits(meta: Class | None, declared: dict[str, cst.Call]) -> tuple[set[str], set[str]]:
    """Return the fields that are only read, and those that are only written."""
    fixed = {"id", "pk", *(strings(meta.value("read_only_fields")) if meta else [])}
    hidden: set[str] = set()
    for name, on in _extra(meta):
        fixed |= {name} if "read_only" in on else set()
        hidden |= {name} if "write_only" in on else set()
    for name, value in declared.items():
        options = _options(value)
        if options.get("read_only") == "True" or _kind(value) == "SerializerMethodField":
            fixed.add(name)
        if options.get("write_only") == "True":
            hidden.add(name)
    return fixed, hidden


def _extra(meta: Class | None) -> Iterator[tuple[str, set[str]]]:
    """Yield each field of ``extra_kwargs``, with its options that are True."""
    value = meta.value("extra_kwargs") if meta else None
    for element in value.elements if isinstance(value, cst.Dict) else ():
        if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString):
            on = m.findall(element.value, m.DictElement(value=m.Name("True")))
            yield (
                str(element.key.evaluated_value),
                {strings(each.key)[0] for each in on if isinstance(each, cst.DictElement)},
            )


def _not_of(project: Project, model: str, names: set[str]) -> set[str]:
    """Return the names that are no fields of a model, as far as its file tells: a base elsewhere may have any."""
    each = project.models and project.models.classes.get(model.rpartition(".")[2])
    if not project.models or not each:
        return set()
    lineage = project.models.lineage(each)
    bases = {code(base.value).rpartition(".")[2] for one in lineage for base in one.node.bases}
    if bases - {one.name for one in lineage} - {"Model"}:
        return set()
    fields = {name: code(value) for one in lineage for name, value in one.assignments()}
    has_key = any("primary_key=True" in text.replace(" ", "") for text in fields.values())
    return names - set(fields) - (set() if has_key else {"id"})


def _kind(call: cst.Call) -> str:
    return code(call.func).rpartition(".")[2]


def _options(call: cst.Call) -> dict[str, str]:
    return {arg.keyword.value: code(arg.value) for arg in call.args if arg.keyword}


def _meta(
    meta: Class | None,
    listed: list[str],
    left_out: set[str],
    draft: Draft,
    model: str,
    *,
    unneeded: set[str],
    is_out: bool,
) -> list[str]:
    """Return the ``Meta`` of a schema; nothing if it has no field of the model, which Ninja refuses."""
    excluded = strings(meta.value("exclude")) if meta else []
    is_all = listed == ["__all__"] or (not listed and not excluded)
    names = [*excluded, *sorted(left_out - set(excluded) - unneeded - {"pk"})]
    if is_all and not names:
        fields = 'fields = "__all__"'
    elif is_all or excluded:
        fields = f"exclude = {names!r}"
    else:
        kept = [name for name in listed if name not in left_out or (is_out and name == "id")]
        if not kept:
            return []
        fields = f"fields = {kept!r}"
    draft.use(model)
    return ["class Meta:", f"    model = {model}", f"    {fields}"]


def _field(
    project: Project, each: Class, draft: Draft, name: str, call: cst.Call, *, is_out: bool
) -> list[str]:
    options, kind = _options(call), _kind(call)
    nested = project.classes.get(kind)
    if nested and is_serializer(project, nested):
        target = draft.refer(nested, schema_names(kind)[int(is_out)])
        # A class that is drafted later in the same file is named by a string.
        annotation = (
            target
            if target in draft.drafted() or nested.source is not each.source
            else f'"{target}"'
        )
        if not is_out:
            draft.notes.append(
                each.note(f"{name} is written with its nested {kind}: write that yourself.", call)
            )
    elif kind in {"SerializerMethodField", "JSONField", "ReadOnlyField", "Field"}:
        annotation = "Any"
    elif kind == "HiddenField":
        draft.notes.append(
            each.note(f"the HiddenField {name} was not carried over: set it in the view.", call)
        )
        return []
    elif kind in _TYPES:
        annotation = _TYPES[kind]
    else:
        draft.notes.append(each.note(f"{name} = {code(call)} has no type here: it is Any.", call))
        annotation = "Any"
    chosen = _chosen(options) if kind in _CHOICES and not is_out else ""
    if chosen:
        annotation = annotation.replace("str", chosen)
    if kind == "ListField" and isinstance(child := _argument(call, "child"), cst.Call):
        annotation = f"list[{_TYPES.get(_kind(child), 'Any')}]"
    if options.get("many") == "True":
        annotation = f"list[{annotation}]"
    for word, line in _IMPORTS.items():
        if word in annotation.replace("[", " ").replace("]", " ").replace(",", " ").split():
            draft.imports.add(line)
    unknown = sorted(set(options) - _KNOWN)
    if unknown and is_out:
        draft.notes.append(each.note(f"{name}: {', '.join(unknown)} was not carried over.", call))
    if not is_out:
        loosened = _loosened("" if chosen else kind, options)
        draft.notes += [each.note(f"{name}: {why}", call) for why in loosened]
        # What is written has the name of the model, and the client's name is an alias.
        source = options.get("source", "")[1:-1]
        if kind == "PrimaryKeyRelatedField" and source and options.get("many") != "True":
            source += "_id"
        if source.isidentifier() and source != name:
            options["alias"], name = repr(name).replace("'", '"'), source
    return [f"{name}: {_with_options(draft, annotation, options, is_out=is_out)}"]


def _chosen(options: dict[str, str]) -> str:
    """Return the type of choices that are texts and written where the field is; empty for others."""
    try:
        choices = ast.literal_eval(options.get("choices", ""))
    except (ValueError, SyntaxError):
        return ""
    keys = [each[0] if isinstance(each, tuple | list) and each else each for each in choices]
    if options.get("allow_blank") == "True":
        keys.append("")
    is_grouped = any(
        isinstance(each, tuple | list) and isinstance(each[-1], tuple | list) for each in choices
    )
    if not keys or is_grouped or not all(isinstance(key, str) for key in keys):
        return ""
    return f"Literal[{', '.join(json.dumps(key, ensure_ascii=False) for key in keys)}]"


def _loosened(kind: str, options: dict[str, str]) -> Iterator[str]:
    """Yield what the draft accepts and the field does not."""
    if kind in _CHOICES:
        yield "its choices were not carried over: use Literal or an enumeration."
    if not re.fullmatch(r"(\w+(\.\w+)*\.objects(\.all\(\))?)?", options.get("queryset", "")):
        yield f"any row may be named, and not only those of {options['queryset']}: check it in the route."


def _with_options(draft: Draft, annotation: str, options: dict[str, str], *, is_out: bool) -> str:
    parts: list[str] = []
    if options.get("allow_null") == "True" and not annotation.startswith("Any"):
        annotation = (
            f"{annotation} | None"
            if not annotation.startswith('"')
            else f'"{annotation[1:-1]} | None"'
        )
    if not is_out:
        if "default" in options and "(" not in options["default"]:
            parts.append(draft.use(options["default"]))
        elif options.get("required") == "False":
            # Not `| None`: REST framework refuses a null too, and the views leave out what was not sent.
            parts.append("None")
        parts += [f"{_BOUNDS[key]}={value}" for key, value in options.items() if key in _BOUNDS]
        parts += [f"alias={options['alias']}"] if "alias" in options else []
    elif "source" in options and options["source"] not in ('"*"', "'*'"):
        parts.append(f"alias={options['source']}")
    if not parts:
        return annotation
    if len(parts) == 1 and "=" not in parts[0]:
        return f"{annotation} = {parts[0]}"
    draft.matt.add("Field")
    if "=" in parts[0]:
        parts.insert(0, "...")
    return f"{annotation} = Field({', '.join(parts)})"


def _argument(call: cst.Call, name: str) -> cst.BaseExpression | None:
    return next((arg.value for arg in call.args if arg.keyword and arg.keyword.value == name), None)


def _resolver(each: Class, draft: Draft, name: str, method: cst.FunctionDef | None) -> list[str]:
    """Return a resolver with the body of ``get_<name>``, if that needs no serializer."""
    lines = ["", "@staticmethod"]
    if method is not None and not m.findall(method.body, m.Name("self")):
        parameter = method.params.params[-1].name.value
        body = methods_text(method.body)
        draft.use("\n".join(body))
        return [*lines, f"def resolve_{name}({parameter}):", *(f"    {line}" for line in body)]
    draft.notes.append(each.note(f"{name} is computed by a method that needs the serializer."))
    text = f"raise NotImplementedError({f'{each.name}.get_{name}'!r})"
    return [*lines, f"def resolve_{name}(obj):", f"    {text}"]
