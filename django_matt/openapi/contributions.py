"""What apps add to the OpenAPI document: typed parts, and other OpenAPI documents."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ninja.responses import NinjaJSONEncoder

__all__ = ["Contribution", "OpenAPIPart", "add_contribution"]

logger = logging.getLogger("django_matt")

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_REFERENCE = "#/components/"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAPIPart:
    """Paths and components to add to an API's OpenAPI 3.1 document.

    If the name of a component or an ``operationId`` is already used, it gets a number (``User2``), and all references to
    it are updated. A path and method that are already described are an error.
    """

    paths: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Path Item Objects by path; the paths are below ``prefix``."""
    components: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Components by kind (``schemas``, ``securitySchemes`` …) and name."""
    tags: Sequence[Mapping[str, Any]] = ()
    prefix: str = ""
    """The prefix of the paths: relative to the API, or to the root of the site if it begins with a slash."""
    title: str = "an OpenAPIPart"
    """The name of the part in the log, if it cannot be added."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, prefix: str = "") -> "OpenAPIPart":
        """Return the part that another OpenAPI document describes; raise ``ValueError`` if it is not OpenAPI 3.

        Its servers and its title are left out. Its ``security`` is added to the operations that have none of their own.
        ``nullable`` of OpenAPI 3.0 is translated.
        """
        version = str(document.get("openapi", ""))
        if not version.startswith("3."):
            raise ValueError(f"The document is not of OpenAPI 3: its version is {version!r}.")
        found = deepcopy(dict(document))
        if version.startswith("3.0"):
            found = _translate_nullable(found)
        if "security" in found:
            for _, _, operation in _operations(found.get("paths", {})):
                operation.setdefault("security", found["security"])
        return cls(
            paths=found.get("paths", {}),
            components=found.get("components", {}),
            tags=found.get("tags", ()),
            prefix=prefix,
            title=str(found.get("info", {}).get("title", "a foreign document")),
        )

    def merge_into(self, document: dict[str, Any], path_prefix: str) -> None:
        """Add the part to the document of an API that is mounted at ``path_prefix``."""
        paths, components = deepcopy(dict(self.paths)), deepcopy(dict(self.components))
        known = document.setdefault("components", {})
        renamed = _find_renames(known, components)
        _follow(paths, renamed)
        _follow(components, renamed)
        for kind, parts in components.items():
            named = {renamed.get((kind, name), name): part for name, part in parts.items()}
            known[kind] = dict(sorted({**known.get(kind, {}), **named}.items()))
        base = self.prefix if self.prefix.startswith("/") else f"{path_prefix}{self.prefix}"
        _add_paths(document, {f"{base.rstrip('/')}/{at.lstrip('/')}": paths[at] for at in paths})
        if self.tags:
            tags = document.setdefault("tags", [])
            names = {tag["name"] for tag in tags}
            tags += [deepcopy(dict(tag)) for tag in self.tags if tag["name"] not in names]


Contribution = OpenAPIPart | Callable[[dict[str, Any]], OpenAPIPart | None]
"""A part, or a function that gets the document, and changes it or returns a part."""


def add_contribution(document: dict[str, Any], path_prefix: str, contribution: Any) -> None:
    """Add a contribution to a document; log and skip one that fails, or that JSON cannot express."""
    before = deepcopy(dict(document))
    try:
        part = contribution
        if not isinstance(contribution, OpenAPIPart):
            part = contribution(document)
        if isinstance(part, OpenAPIPart):
            part.merge_into(document, path_prefix)
        json.dumps(document, cls=NinjaJSONEncoder)
    except Exception:
        logger.exception("%s is left out of the OpenAPI document.", _name(contribution))
        document.clear()
        document.update(before)


def _name(contribution: Any) -> str:
    if isinstance(contribution, OpenAPIPart):
        return contribution.title
    function = getattr(contribution, "func", contribution)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{function.__module__}.{name}"


def _operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in paths.items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def _add_paths(document: dict[str, Any], paths: dict[str, Any]) -> None:
    known = document.setdefault("paths", {})
    taken = {each.get("operationId") for _, _, each in _operations(known)}
    for path, method, operation in _operations(paths):
        if method in known.get(path, {}):
            raise ValueError(f"{method.upper()} {path} is described already.")
        if "security" in document:
            # Without its own it would be said to need what the API needs.
            operation.setdefault("security", [])
        if "operationId" in operation:
            operation["operationId"] = _free(operation["operationId"], taken)
            taken.add(operation["operationId"])
    for path, item in paths.items():
        if path in known:
            # What the item says of all its operations is not true of those that are there.
            shared = item.pop("parameters", [])
            for _, _, operation in _operations({path: item}):
                operation["parameters"] = [*shared, *operation.get("parameters", [])]
        known[path] = {**item, **known.get(path, {})}


def _free(name: str, taken: Any) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free


def _find_renames(
    known: Mapping[str, Any], components: Mapping[str, Any]
) -> dict[tuple[str, str], str]:
    """Return the new names of the components whose name another one has."""
    both = [
        (kind, name)
        for kind, parts in components.items()
        for name in parts
        if name in known.get(kind, {})
    ]
    renamed = {(kind, name) for kind, name in both if components[kind][name] != known[kind][name]}
    # One that is the same, and refers to one that is not, is another one too.
    while more := {
        (kind, name)
        for kind, name in both
        if (kind, name) not in renamed and renamed & set(_referred(components[kind][name]))
    }:
        renamed |= more
    return {
        (kind, name): _free(name, {*known.get(kind, {}), *components[kind]})
        for kind, name in sorted(renamed)
    }


def _referred(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REFERENCE):
            kind, _, name = reference.removeprefix(_REFERENCE).partition("/")
            yield kind, name
        for each in value.values():
            yield from _referred(each)
    elif isinstance(value, list):
        for each in value:
            yield from _referred(each)


def _follow(value: Any, renamed: Mapping[tuple[str, str], str]) -> None:
    """Let references, discriminators and security requirements follow the new names, in place."""
    if isinstance(value, list):
        for each in value:
            _follow(each, renamed)
    if not isinstance(value, dict):
        return
    if isinstance(value.get("$ref"), str):
        value["$ref"] = _new_reference(value["$ref"], renamed)
    discriminator = value.get("discriminator")
    if isinstance(discriminator, dict) and isinstance(discriminator.get("mapping"), dict):
        discriminator["mapping"] = {
            key: _new_reference(target, renamed)
            if str(target).startswith(_REFERENCE)
            else renamed.get(("schemas", target), target)
            for key, target in discriminator["mapping"].items()
        }
    if isinstance(value.get("security"), list):
        value["security"] = [
            {renamed.get(("securitySchemes", name), name): scopes for name, scopes in each.items()}
            for each in value["security"]
            if isinstance(each, dict)
        ]
    for each in value.values():
        _follow(each, renamed)


def _new_reference(reference: str, renamed: Mapping[tuple[str, str], str]) -> str:
    if not reference.startswith(_REFERENCE):
        return reference
    kind, _, name = reference.removeprefix(_REFERENCE).partition("/")
    return f"{_REFERENCE}{kind}/{renamed.get((kind, name), name)}"


def _translate_nullable(value: Any) -> Any:
    """Translate ``nullable`` of OpenAPI 3.0 to JSON Schema."""
    if isinstance(value, list):
        return [_translate_nullable(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: _translate_nullable(each) for key, each in value.items()}
    if isinstance(found.get("nullable"), bool):
        nullable = found.pop("nullable")
        if nullable and isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
            if "enum" in found and None not in found["enum"]:
                found["enum"] = [*found["enum"], None]
        elif nullable:
            found = {"anyOf": [found, {"type": "null"}]}
    return found
