"""The parameters of a route that searches."""

from typing import Literal

from ninja import Schema
from pydantic import Field

__all__ = ["MAX_LIMIT", "Mode", "SearchQuery"]

MAX_LIMIT = 100
Mode = Literal["words", "vectors", "hybrid"]


class SearchQuery(Schema):
    """What a client searches for, as ``Query[SearchQuery]``.

    Without ``mode``, the best one that the index has is used. A subclass with more fields has filters: each is the name of a
    filter of the index, and None leaves it out.

    >>> class BookQuery(SearchQuery):
    ...     language: str | None = None
    """

    q: str = Field("", max_length=1_000, description='Words, "phrases" and -excluded words.')
    limit: int = Field(20, ge=1, le=MAX_LIMIT)
    mode: Mode | None = None

    def filters(self) -> dict[str, object]:
        """Return the values of the fields that a subclass adds, without None."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value
            for name, value in given.items()
            if name not in SearchQuery.model_fields and value is not None
        }
