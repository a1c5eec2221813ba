"""Python names for TypeScript names."""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Container, Iterable

__all__ = ["OURS", "class_names", "field_names", "snake", "upper"]

#: What a written module imports, so that no class may have one of these names.
OURS = {
    "Annotated": "typing",
    "Any": "typing",
    "Generic": "typing",
    "Literal": "typing",
    "TypeVar": "typing",
    "TypeAliasType": "typing_extensions",
    "Decimal": "decimal",
    "Enum": "enum",
    "IntEnum": "enum",
    "StrEnum": "enum",
    "IPv4Address": "ipaddress",
    "IPv6Address": "ipaddress",
    "UUID": "uuid",
    "uuid4": "uuid",
    "AnyUrl": "pydantic",
    "BaseModel": "pydantic",
    "ConfigDict": "pydantic",
    "EmailStr": "pydantic",
    "Field": "django_matt",
    "Schema": "django_matt",
    "MaxValueValidator": "django.core.validators",
    "MinLengthValidator": "django.core.validators",
    "MinValueValidator": "django.core.validators",
    "RegexValidator": "django.core.validators",
    "StepValueValidator": "django.core.validators",
    "models": "django.db",
    "datetime": "",
}
#: Names that annotations use, so that no field may hide one of them in its class.
IN_ANNOTATIONS = {
    "bool",
    "bytes",
    "datetime",
    "dict",
    "float",
    "int",
    "list",
    "set",
    "str",
    "tuple",
}
HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """Return a name as Python writes variables: ``categoryId`` is ``category_id``, ``content-type`` is ``content_type``.

    >>> [snake(each) for each in ("categoryId", "userID", "HTTPLog", "__proto__", "2nd", "😀", "class")]
    ['category_id', 'user_id', 'http_log', 'proto', 'field_2nd', 'field', 'class_']
    """
    text = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name))
    text = re.sub(r"_+", "_", HUMPS.sub("_", text).lower()).strip("_")
    text = f"field_{text}" if not text or not text[0].isalpha() else text
    text = text.strip("_")
    if not text.isidentifier():
        text = "field"
    return f"{text}_" if keyword.iskeyword(text) else text


def upper(name: str) -> str:
    """Return a name as Python writes constants."""
    text = snake(name).strip("_").upper()
    return re.sub(r"^FIELD(?=_|$)", "VALUE", text) if not name.upper().startswith("FIELD") else text


def class_names(names: Iterable[str]) -> dict[str, str]:
    """Return the Python name of each type; one that Python or the written module needs gets an underscore."""
    names = list(names)
    found: dict[str, str] = {}
    used: set[str] = set()
    # A name that needs no change keeps it, whatever comes before.
    for name in sorted(names, key=lambda each: _class_name(each) != each):
        found[name] = _unique(_class_name(name), used)
        used.add(found[name])
    return {name: found[name] for name in names}


def _class_name(name: str) -> str:
    text = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name)).lstrip("_") or "Type"
    text = text if text.isidentifier() else f"Type_{text}"
    taken = keyword.iskeyword(text) or text in OURS or hasattr(builtins, text)
    return f"{text}_" if taken else text


def field_names(names: Iterable[str], reserved: Container[str]) -> dict[str, str]:
    """Return the Python name of each field; one in ``reserved`` gets an underscore, a second one a number."""
    names = list(names)
    found: dict[str, str] = {}
    used: set[str] = set()
    for name in sorted(names, key=lambda each: snake(each) != each):
        wanted = snake(name)
        taken = wanted in IN_ANNOTATIONS or wanted in reserved
        found[name] = _unique(f"{wanted}_" if taken else wanted, used)
        used.add(found[name])
    return {name: found[name] for name in names}


def _unique(wanted: str, used: Container[str]) -> str:
    name, number = wanted, 1
    while name in used:
        number += 1
        name = f"{wanted}_{number}"
    return name
