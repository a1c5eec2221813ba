"""Filters for Ninja's ``FilterSchema``: arrays, ranges, JSON and similar texts, each with the index in mind that serves it."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from ninja import FilterLookup
from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError, core_schema

__all__ = ["ContainedBy", "Contains", "HasValues", "Overlaps", "Similar"]

_MAX_ITEMS = 100


class _Filter(FilterLookup):
    """A lookup of a column; without a name, of the column that has the name of the filter."""

    lookup = ""

    def __init__(self, column: str = "", *, max_items: int = _MAX_ITEMS) -> None:
        """Take the column, as a lookup of Django's, and how many items a client may send."""
        super().__init__(f"{column}__{self.lookup}")
        self.max_items = max_items

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """Limit the number of items."""
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def _check(self, value: Any) -> Any:
        if isinstance(value, list | tuple) and len(value) > self.max_items:
            raise PydanticCustomError(
                "too_long", "At most {max_items} items are allowed", {"max_items": self.max_items}
            )
        return value


class Contains(_Filter):
    """Rows whose array has all the items, or whose range contains the value or the range (``@>``: GIN, GiST).

    >>> tags: Annotated[list[str] | None, Contains()] = None
    >>> at: Annotated[datetime | None, Contains("booked")] = None
    """

    lookup = "contains"


class ContainedBy(_Filter):
    """Rows whose array has no other items, or whose range is inside of the range (``<@``)."""

    lookup = "contained_by"


class Overlaps(_Filter):
    """Rows whose array has one of the items, or whose range overlaps the range (``&&``: GIN, GiST).

    >>> during: Annotated[DateTimeRange | None, Overlaps("booked")] = None
    """

    lookup = "overlap"


class Similar(_Filter):
    """Rows whose text is similar to the value (``%``: GIN or GiST with ``gin_trgm_ops``).

    It needs the extension pg_trgm. The server's setting ``pg_trgm.similarity_threshold`` says how similar.
    """

    lookup = "trigram_similar"


class HasValues(_Filter):
    """Rows whose JSON has the values at the paths (``@>``: GIN with ``jsonb_path_ops``); clients name the paths.

    ``paths`` are the paths that clients may name, with the type of each value. A client sends ``path:value``, and repeats the
    parameter for more paths. All must match.

    >>> data: Annotated[list[str] | None, HasValues({"city": str, "size.width": int})] = None
    """

    lookup = "contains"

    def __init__(self, paths: Mapping[str, Any], column: str = "") -> None:
        """Take the paths; raise ``ImproperlyConfigured`` if one is inside of another."""
        super().__init__(column, max_items=len(paths))
        for path in paths:
            if any(other.startswith(f"{path}.") for other in paths):
                raise ImproperlyConfigured(f"HasValues: another path is inside of {path!r}.")
        self._types = {path: TypeAdapter(kind) for path, kind in paths.items()}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """Read the values into one object, with which the column is compared."""
        return core_schema.no_info_after_validator_function(
            self._read, super().__get_pydantic_core_schema__(source, handler)
        )

    def _read(self, given: list[str] | None) -> dict[str, Any] | None:
        if given is None:
            return None
        found: dict[str, Any] = {}
        for each in given:
            path, _, text = each.partition(":")
            if path not in self._types:
                known = ", ".join(self._types)
                raise PydanticCustomError(
                    "unknown_path", "The path is none of: {paths}", {"paths": known}
                )
            *above, last = path.split(".")
            place = found
            for part in above:
                place = place.setdefault(part, {})
            if last in place:
                raise PydanticCustomError("repeated_path", "{path} is given twice", {"path": path})
            try:
                place[last] = self._types[path].dump_python(
                    self._types[path].validate_strings(text), mode="json"
                )
            except ValidationError as error:
                raise PydanticCustomError(
                    "path_value",
                    "{path}: {reason}",
                    {"path": path, "reason": error.errors()[0]["msg"]},
                ) from None
        return found
