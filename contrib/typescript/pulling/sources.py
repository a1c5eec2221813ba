"""Loads a TypeScript file and what it imports from its own folder, as one set of declarations."""

from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from django_matt.contrib.typescript.pulling.parsing import parse
from django_matt.contrib.typescript.pulling.syntax import (
    Comment,
    Constant,
    Declaration,
    Import,
    Indexed,
    Intersection,
    Members,
    Module,
    Named,
    Note,
    Place,
    SourceError,
    ValuesOf,
    parts_of,
)

__all__ = ["Source", "load"]

SUFFIXES = (".ts", ".tsx", ".mts", ".cts")
#: Enough for the types of a large API. A larger file is a bundle, for which the parser needs gigabytes.
MAX_SIZE = 5_000_000
#: What a file that describes an OpenAPI document declares beside its schemas.
DOCUMENT = ("paths", "components", "operations", "webhooks", "$defs")


@dataclass(slots=True)
class Source:
    """The declared types and constants by name, and what is not carried over."""

    types: dict[str, Declaration] = field(default_factory=dict)
    values: dict[str, Declaration] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def add(self, declaration: Declaration) -> bool:
        """Add a declaration, and tell whether it is new; two interfaces of one file are one, as in TypeScript."""
        known = self.values if declaration.is_value else self.types
        before = known.get(declaration.name)
        if before is None:
            known[declaration.name] = declaration
            return True
        if before.place == declaration.place:
            return False
        mergeable = before.is_interface and declaration.is_interface
        if not mergeable or before.place.file != declaration.place.file:
            raise SourceError(
                declaration.place,
                f"{declaration.name} is declared twice, first in {before.place}. Rename one of them",
            )
        both = Intersection((before.type, declaration.type), before.place)
        known[declaration.name] = Declaration(
            before.name, both, before.parameters, before.comment, before.place, is_interface=True
        )
        return True


def load(path: Path) -> Source:
    """Return the declarations of a file, and of the files in its folder that they need.

    Raises:
        OSError: the file cannot be read.
        MissingExtra: tree-sitter is not installed.
        SourceError: it is not TypeScript, with line and column; or a name is declared twice.
    """
    path = path.resolve()
    files = _Files(path.parent)
    source = Source()
    files.collect(path, None, source)
    _unwrap_document(source)
    source.notes += [note for module in files.modules.values() for note in module.notes]
    source.notes += files.notes
    return source


def _unwrap_document(source: Source) -> None:
    """Take the schemas of a file that describes an OpenAPI document, instead of its paths.

    ``matt_types write`` and openapi-typescript write such files; the latter refers to ``components["schemas"]["Order"]``.
    """
    components = source.types.get("components")
    if (
        components is None
        or "paths" not in source.types
        or not isinstance(components.type, Members)
    ):
        return
    for name in DOCUMENT:
        source.types.pop(name, None)
    for part in components.type.properties:
        for each in (
            part.type.properties
            if part.name == "schemas" and isinstance(part.type, Members)
            else ()
        ):
            if each.name not in source.types:
                source.types[each.name] = Declaration(
                    each.name, each.type, comment=each.comment, place=each.place
                )
    for name, declaration in source.types.items():
        source.types[name] = _with_names(declaration)


def _with_names(of: Any) -> Any:
    """Return a declaration in which ``components["schemas"]["Order"]`` is ``Order``. As deep as types are parsed."""
    match of:
        case Indexed(Indexed(Named("components"), Constant("schemas")), Constant(name)):
            return Named(str(name), (), of.place)
        case tuple():
            return tuple(map(_with_names, of))
    if is_dataclass(of) and not isinstance(of, Place | Comment | type):
        return replace(
            of, **{each.name: _with_names(getattr(of, each.name)) for each in fields(of)}
        )
    return of


class _Files:
    """The files that one pull reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: dict[Path, Module] = {}
        self.notes: list[Note] = []

    def module(self, path: Path) -> Module:
        if path not in self.modules:
            name = path.relative_to(self.folder).as_posix()
            self.modules[path] = parse(_read(path, name), path, name)
        return self.modules[path]

    def collect(self, path: Path, names: set[str] | None, source: Source) -> None:
        """Add the declarations of these names, or all of a file, and what they need of it and of other files."""
        pending: list[tuple[Path, set[str] | None]] = [(path, names)]
        done: set[tuple[Path, str]] = set()
        reached = list(pending)
        while pending:
            path, names = pending.pop()
            module = self.module(path)
            declared: dict[str, list[Declaration]] = {}
            for each in module.declarations:
                declared.setdefault(each.name, []).append(each)
            wanted = list(declared) if names is None else sorted(names)
            while wanted:
                name = wanted.pop(0)
                if (path, name) in done:
                    continue
                done.add((path, name))
                for each in declared.get(name, ()):
                    source.add(each)
                    wanted += [used for used in _names_in(each) if used in declared]
            used = {
                name
                for each in module.declarations
                if (path, each.name) in done
                for name in _names_in(each)
            }
            missing = set() if names is None else names - declared.keys()
            for named in module.imports:
                found = self._follow(named, module, used | missing, names is None, source)
                if found is None or found in reached:
                    continue
                reached.append(found)
                pending.append(found)

    def _follow(
        self, each: Import, module: Module, used: set[str], is_main: bool, source: Source
    ) -> tuple[Path, set[str] | None] | None:
        """Return the file that an import names, with what is needed of it; note why it is not followed."""
        pairs: list[tuple[str, str]] = []
        if each.names is None:
            wanted = None if is_main else used
        else:
            # A re-export (`export { A } from`) is one of the main file's own types.
            pairs = [pair for pair in each.names if (is_main and each.is_export) or pair[1] in used]
            if not pairs:
                return None
            wanted = {name for name, _ in pairs}
        path = self._find(each.source, module.path)
        if path is None:
            text = f"{each.source!r} is not followed: only files of this folder are"
            if (note := Note(each.place, text)) not in self.notes:
                self.notes.append(note)
            return None
        for name, local in pairs:
            if name != local:
                alias = Named(name, (), each.place)
                source.add(Declaration(local, alias, place=each.place))
        return path, wanted

    def _find(self, source: str, importer: Path) -> Path | None:
        if not source.startswith("./"):
            return None
        stem = source.removesuffix(".js").removesuffix(".ts")
        for ending in (".ts", ".tsx", ".d.ts", "/index.ts", ".mts", ".cts"):
            path = (importer.parent / f"{stem}{ending}").resolve()
            if path.is_relative_to(self.folder) and path.is_file():
                return path
        return None


def _names_in(declaration: Declaration) -> list[str]:
    """Return the names of types and constants that a declaration uses."""
    return [part.name for part in parts_of(declaration) if isinstance(part, Named | ValuesOf)]


def _read(path: Path, name: str) -> bytes:
    """Return the text of a file in UTF-8."""
    if path.suffix not in SUFFIXES:
        raise SourceError(Place(name), f"this is not a TypeScript file ({', '.join(SUFFIXES)})")
    size = path.stat().st_size
    if size > MAX_SIZE:
        raise SourceError(
            Place(name), f"the file has {size:,} bytes; files of up to {MAX_SIZE:,} bytes are read"
        )
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(name, before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise SourceError(place, "this is not text in UTF-8") from None
    if "\0" in text:
        before = raw[: raw.index(b"\0")]
        place = Place(name, before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
        raise SourceError(place, "this is not text: it contains a NUL character")
    return raw
