"""From ``NinjaAPI`` and ``NinjaExtraAPI`` to ``MattAPI``, as docs/migrating.md describes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from django_matt.contrib.upgrades.installed_apps import add_apps
from django_matt.contrib.upgrades.moves import Moves, imports_of, move_names
from django_matt.contrib.upgrades.sources import Note, Source

__all__ = ["SWAP", "WORDS", "adopt"]

# Without `Router`, `ordering` and `searching`: django_matt exports others than Ninja and Ninja Extra.
_OF_NINJA = (
    "JSONL SSE Body Cookie Field File FilterSchema Form Header ModelSchema P PatchDict Path Query Schema "
    "Status UploadedFile"
)
_OF_EXTRA = (
    "ControllerBase ModelConfig ModelControllerBase ModelService api_controller http_delete http_generic "
    "http_get http_patch http_post http_put paginate permissions route service_resolver throttle"
)
_TESTING = (
    "ninja.testing",
    "ninja.testing.client",
    "ninja_extra.testing",
    "ninja_extra.testing.client",
)
SWAP = Moves(
    {
        "ninja.NinjaAPI": "django_matt.MattAPI",
        "ninja.main.NinjaAPI": "django_matt.MattAPI",
        "ninja_extra.NinjaExtraAPI": "django_matt.MattAPI",
        "ninja_extra.main.NinjaExtraAPI": "django_matt.MattAPI",
        **{
            f"{module}.{name}": f"django_matt.testing.{name}"
            for module in _TESTING
            for name in ("TestClient", "TestAsyncClient")
        },
    },
    {"ninja": frozenset(_OF_NINJA.split()), "ninja_extra": frozenset(_OF_EXTRA.split())},
)
"""The API's class, and the test clients, which make an API of their own. Other imports keep working."""
WORDS = (*SWAP.words, "APPS")
_APPS = ("ninja_extra", "django_matt")
Imports = list[tuple[str, tuple[str, ...]]]
"""The modules that a file imports from, with the names."""
_BESIDE = ("ninja_extra", "ninja", "django.contrib.contenttypes", "django.contrib.auth")
_ROUTERS = (
    "Routes on the API itself use Ninja Extra's router now: if they have no `response=`, their return annotation is the schema of "
    "the response. MattAPI(default_router=ninja.Router()) keeps Ninja's router."
)
_ANNOTATED = re.compile(
    r"@\w*api\w*\.(?:get|post|put|patch|delete|api_operation)\((?:(?!response=)[^()])*\)\s+(?:async )?def \w+\([^()]*\)\s*->"
)


def adopt(sources: Sequence[Source], root: Path) -> list[Note]:
    """Edit the files, and return what a person has to do besides."""
    imports = {source.path: list(imports_of(source)) for source in sources}
    kept = [set(_names_for_others(source, imports)) for source in sources]
    had = [source.text for source in sources]
    for source, names in zip(sources, kept, strict=True):
        move_names(source, SWAP, names)
    moved = [(each, text) for each, text in zip(sources, had, strict=True) if each.text != text]
    notes = [
        Note(source.path, 0, _ROUTERS)
        for source, text in moved
        if "NinjaAPI" in text and _ANNOTATED.search(text)
    ]
    if not moved:
        return notes
    for beside in _BESIDE:
        found = [add_apps(s, _APPS, beside, at_end=not beside.startswith("ninja")) for s in sources]
        if any(found):
            return notes
    text = 'No list INSTALLED_APPS was found. Add "ninja_extra" and "django_matt" to it.'
    return [*notes, Note(root, 0, text)]


def _names_for_others(source: Source, imports: Mapping[Path, Imports]) -> Iterator[str]:
    """Yield the names that another file imports from this one, as far as the last part of the module tells."""
    path = source.path
    is_package = path.stem == "__init__"
    own = path.parent.name if is_package else path.stem
    for other, lines in imports.items():
        for module, names in lines if other != path else ():
            is_here = is_package and module == "." and other.parent == path.parent
            if is_here or (module.rpartition(".")[2] == own and not module.startswith("ninja")):
                yield from SWAP.words if names == ("*",) else names
