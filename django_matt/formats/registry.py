"""The formats by name: the built-in ones, and those that apps register."""

from collections.abc import Iterable, Sequence
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured

from django_matt.errors.exceptions import MissingExtra
from django_matt.formats.protocol import Format

__all__ = [
    "FORM",
    "FORM_TYPES",
    "installed_formats",
    "make_format",
    "register_format",
    "unregister_format",
]

FORM = "form"
"""The name that allows forms as request bodies; it is never used for responses."""
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

BUILT_IN = {
    "json": "django_matt.formats.json.JSON",
    "msgpack": "django_matt.formats.msgpack.MessagePack",
    "yaml": "django_matt.formats.yaml.YAML",
    "xml": "django_matt.formats.xml.XML",
    "csv": "django_matt.formats.csv.CSV",
    "jsonl": "django_matt.formats.jsonl.JSONLines",
}
_registered: dict[str, type[Format] | str] = {}


def register_format(name: str, made_by: type[Format] | str) -> None:
    """Register a format by name, for ``MATT["FORMATS"]``, ``MattAPI(formats=…)`` and ``@formats``.

    Call it in the ``ready()`` of your ``AppConfig``. ``made_by`` is the class, or its dotted path, which is imported when the
    format is first used. A second call with the same class changes nothing.

    Raises ``ImproperlyConfigured`` for a name that is already registered, or that is not the ``name`` of the class.
    """
    if name in BUILT_IN or name == FORM or _registered.get(name, made_by) != made_by:
        raise ImproperlyConfigured(f"A format with the name {name!r} is already registered.")
    if not isinstance(made_by, str):
        _check_name(name, made_by)
    _registered[name] = made_by


def unregister_format(name: str) -> None:
    """Remove a registered format. Format sets that already contain it keep it."""
    _registered.pop(name, None)


def make_format(given: str | Format) -> Format:
    """Return a format by its name; raise ``ImproperlyConfigured`` for an unknown name."""
    if isinstance(given, Format):
        return given
    found = BUILT_IN.get(given) or _registered.get(given)
    if found is None:
        raise ImproperlyConfigured(
            f"There is no format {given!r}. The formats are: {', '.join([*BUILT_IN, *_registered, FORM])}."
        )
    if isinstance(found, str):
        module, _, name = found.rpartition(".")
        found = getattr(import_module(module), name)
        _check_name(given, found)
    return found()


def installed_formats(names: Iterable[str | Format]) -> Sequence[Format]:
    """Return the formats with these names whose library is installed."""
    found = []
    for name in names:
        try:
            found.append(make_format(name))
        except MissingExtra:
            continue
    return found


def _check_name(name: str, kind: type[Format]) -> None:
    if kind.name != name:
        raise ImproperlyConfigured(
            f"{kind.__qualname__} is registered as {name!r}, but its name is {kind.name!r}."
        )
