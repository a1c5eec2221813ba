"""``SearchIndex``: the words and vectors of one model, declared beside it, and the querysets that it finds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.exceptions import (
    EmptyResultSet,
    ImproperlyConfigured,
    ValidationError,
)
from django.db import DatabaseError, connections
from django.db.models import Manager, Model, QuerySet
from django.utils.html import escape

from django_matt.contrib.search.annotations import FoundNumber, FoundText
from django_matt.contrib.search.definitions import Definition, define
from django_matt.contrib.search.errors import (
    EmbedderFailed,
    IndexNotBuilt,
    InvalidVector,
    ModeUnavailable,
    UnknownFilter,
)
from django_matt.contrib.search.questions import Question, parse
from django_matt.contrib.search.schemas import MAX_LIMIT, Mode, SearchQuery
from django_matt.contrib.search.storages import Storage, storage_of
from django_matt.contrib.search.storages.tables import CLOSE, OPEN, Hit, Ranking
from django_matt.contrib.search.vectors import Embedding, normalise
from django_matt.scopes import narrowed
from django_matt.threads import run_in_thread

__all__ = ["SearchIndex", "list_indexes"]

_FOUND = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]+){CLOSE}")
_DEPTH = 50
"""How many the words and the vectors contribute to a hybrid search, at least."""

_indexes: "dict[str, type[SearchIndex]]" = {}


class SearchIndex:
    """The search index of a model. Declare a subclass in ``search.py`` of your app, or beside the model.

    ``words`` are the texts that are searched, each with its weight: A is the highest, D the lowest. ``language`` is how
    PostgreSQL finds the stems of words. ``filters`` are fields that searches may be filtered by inside of the index.
    ``vectors`` adds the search by meaning. An ``AddSearchIndex`` in a migration creates the index.

    >>> class BookIndex(SearchIndex):
    ...     model = Book
    ...     words = {"title": "A", "body": "B"}
    ...     filters = ["language"]
    """

    model: ClassVar[type[Model]]
    words: ClassVar[Mapping[str, str]] = {}
    language: ClassVar[str] = "english"
    filters: ClassVar[Sequence[str]] = ()
    vectors: ClassVar[Embedding | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register the index of a model; raise ``ImproperlyConfigured`` if the model has another."""
        super().__init_subclass__(**kwargs)
        if "model" not in vars(cls):
            return
        label, path = cls.model._meta.label_lower, f"{cls.__module__}.{cls.__qualname__}"
        known = _indexes.get(label)
        if known is not None and f"{known.__module__}.{known.__qualname__}" != path:
            raise ImproperlyConfigured(
                f"{cls.model._meta.label} has two search indexes: {known.__module__}.{known.__qualname__} and {path}."
            )
        _indexes[label] = cls

    @classmethod
    def definition(cls) -> Definition:
        """Return what the index consists of; raise ``ImproperlyConfigured`` if it is wrong."""
        dimensions = 0 if cls.vectors is None else cls.vectors.dimensions
        return define(cls.model, cls.words, cls.language, cls.filters, dimensions)

    @classmethod
    def storage(cls, using: str) -> Storage:
        """Return the tables of the index in a database."""
        return storage_of(cls.definition(), connections[using])

    # Searching

    @classmethod
    def search(
        cls,
        query: str | SearchQuery,
        *,
        scope: Any = None,
        filters: Mapping[str, Any] | None = None,
        limit: int | None = None,
        mode: Mode | None = None,
    ) -> Any:
        """Return the best objects as a queryset, with ``search_rank`` and ``search_snippet``, the best first.

        ``scope`` is a queryset or a manager: no other object is found. By default, all objects of the default manager are
        searched. What an API's scopes exclude is never found. ``filters`` has a value, or a list of values, for names in the
        index's ``filters``. ``limit`` and ``mode`` of a ``SearchQuery`` count unless they are given. The rank orders the
        results of one search; ranks of different searches cannot be compared. The snippet is HTML: found words are in
        ``<mark>``, and the rest is escaped.

        Raises ``IndexNotBuilt`` (503), and ``UnknownFilter`` or ``ModeUnavailable`` (422). It queries the database: in an
        async route, use ``await asearch(…)``.
        """
        if isinstance(query, SearchQuery):
            filters = {**query.filters(), **(filters or {})}
            limit, mode, text = limit or query.limit, mode or query.mode, query.q
        else:
            text = query
        chosen = _in_scope(cls.model, scope)
        storage, question = cls.storage(chosen.db), parse(text)
        kept = cls._filters(storage, filters or {})
        vector: list[float] | None = None
        try:
            used = cls._mode(storage, mode)
            if not text.strip() or (question.excluded and not question.terms):
                return chosen.none()
            if cls.vectors is not None and used != "words":
                vector = cls.vectors.embed_query(text)
        except (EmbedderFailed, InvalidVector):
            if mode is not None:
                raise
            # The best that there is now; the log has the reason.
            used = "words"
        asked = _Asked(question, vector, kept, _limit(limit), use_words=used != "vectors")
        return cls._find(storage, chosen, asked)

    @classmethod
    async def asearch(cls, query: str | SearchQuery, **options: Any) -> Any:
        """Return what ``search`` returns, in an async route."""
        return await run_in_thread(lambda: cls.search(query, **options))

    @classmethod
    def nearest(
        cls,
        vector: Sequence[float],
        *,
        scope: Any = None,
        filters: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> Any:
        """Return the objects whose vectors are the nearest to one, as ``search`` does; the rank is the cosine similarity.

        Raises ``InvalidVector`` (422) for a vector of a wrong length, with NaN or infinity, or of zeros.
        """
        chosen = _in_scope(cls.model, scope)
        storage = cls.storage(chosen.db)
        cls._mode(storage, "vectors")
        kept = cls._filters(storage, filters or {})
        numbers = normalise(vector, storage.definition.dimensions)
        asked = _Asked(parse(""), numbers, kept, _limit(limit), use_words=False)
        return cls._find(storage, chosen, asked)

    @classmethod
    async def anearest(cls, vector: Sequence[float], **options: Any) -> Any:
        """Return what ``nearest`` returns, in an async route."""
        return await run_in_thread(lambda: cls.nearest(vector, **options))

    @classmethod
    def suggest(
        cls,
        text: str,
        *,
        scope: Any = None,
        filters: Mapping[str, Any] | None = None,
        limit: int = 10,
    ) -> Any:
        """Return the objects with all words of a text that is still being typed, the last of which may be unfinished.

        The words are looked for as they are written, in the texts with the highest weight.
        """
        chosen = _in_scope(cls.model, scope)
        storage, question = cls.storage(chosen.db), parse(text)
        cls._mode(storage, "words")
        kept = cls._filters(storage, filters or {})
        asked = _Asked(question, None, kept, _limit(limit), prefix=True)
        return cls._find(storage, chosen, asked)

    @classmethod
    async def asuggest(cls, text: str, **options: Any) -> Any:
        """Return what ``suggest`` returns, in an async route."""
        return await run_in_thread(lambda: cls.suggest(text, **options))

    # Vectors

    @classmethod
    def embed(cls, queryset: Any = None, **options: Any) -> Any:
        """Store the vectors of the objects of a queryset, by default of all; see ``services.embed``."""
        from django_matt.contrib.search.services import embed

        return embed(cls, queryset, **options)

    # Inside

    @classmethod
    def _find(cls, storage: Storage, scope: QuerySet[Any], asked: "_Asked") -> Any:
        if asked.vector is None and not asked.question.terms:
            return scope.none()
        try:
            keys = scope.order_by().values("pk").query
            statement, params = keys.get_compiler(using=scope.db).as_sql()
        except EmptyResultSet:
            return scope.none()
        is_hybrid = asked.vector is not None and asked.use_words
        has_vector = asked.vector is not None and cls.vectors is not None
        ranking = Ranking(
            **vars(asked),
            scope=statement,
            scope_params=params,
            depth=max(_DEPTH, asked.limit) if is_hybrid else asked.limit,
            embedder=cls.vectors.load().name if has_vector and cls.vectors else "",
            weight=cls.vectors.weight if cls.vectors else 1.0,
        )
        try:
            found = storage.rank(ranking)
        except DatabaseError:
            # It was there when this process looked; it may have been removed since.
            _BUILT.discard(_place(storage))
            if storage.connection.in_atomic_block or _is_built(storage):
                raise
            raise IndexNotBuilt(cls.model._meta.label, "manage.py migrate") from None
        return _annotated(scope, found)

    @classmethod
    def _mode(cls, storage: Storage, mode: Mode | None) -> Mode:
        """Return the mode to search in; raise ``IndexNotBuilt`` if what it needs does not exist."""
        modes = ["words"] if cls.vectors is None else ["words", "vectors", "hybrid"]
        label = cls.model._meta.label
        if mode is not None and mode not in modes:
            raise ModeUnavailable(label, mode, modes)
        if not _is_built(storage):
            raise IndexNotBuilt(label, "manage.py migrate")
        if cls.vectors is None or mode == "words":
            return "words"
        if not storage.built_vectors(cls.vectors.load().name):
            if mode is None:
                return "words"
            raise IndexNotBuilt(label, f"manage.py matt_search rebuild {label}")
        return mode or "hybrid"

    @classmethod
    def _filters(cls, storage: Storage, given: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return the filters as columns, with lists of values as the database takes them."""
        found = {}
        for name, value in given.items():
            if name not in cls.filters:
                known = ", ".join(cls.filters) or "none"
                raise UnknownFilter(f"There is no filter {name!r}; the filters are: {known}.")
            field: Any = cls.model._meta.get_field(name)
            listed = value if isinstance(value, list | tuple | set | frozenset) else [value]
            found[field.column] = [_prepared(storage, field, each, name) for each in listed]
        return found


@dataclass
class _Asked:
    """What one call searches for."""

    question: Question
    vector: list[float] | None
    filters: dict[str, list[Any]]
    limit: int
    use_words: bool = True
    prefix: bool = False


def list_indexes() -> list[type[SearchIndex]]:
    """Return the indexes of the project, by the names of their models."""
    return [_indexes[label] for label in sorted(_indexes)]


def _in_scope(model: type[Model], scope: Any) -> QuerySet[Any]:
    """Return the queryset of what may be found; raise ``TypeError`` if it is not one that can be filtered."""
    if isinstance(scope, Manager):
        scope = scope.all()
    if scope is not None and not (
        isinstance(scope, QuerySet)
        and scope.model._meta.concrete_model is model._meta.concrete_model
    ):
        raise TypeError(f"scope must be a queryset of {model._meta.label}")
    if scope is not None and (
        scope.query.is_sliced or scope.query.combinator or scope.query.distinct_fields
    ):
        raise TypeError(
            "scope must be a queryset that can be filtered and ordered: no slice, no union, no distinct() of fields"
        )
    found: QuerySet[Any] = narrowed(model if scope is None else scope)
    return found


def _limit(limit: int | None) -> int:
    return max(1, min(limit or 20, MAX_LIMIT))


def _prepared(storage: Storage, field: Any, value: Any, name: str) -> Any:
    target = field.target_field if field.is_relation else field
    if value is None:
        return None
    try:
        cleaned = target.to_python(getattr(value, "pk", value))
        target.run_validators(cleaned)
    except ValidationError as error:
        raise UnknownFilter(f"The filter {name!r}: {' '.join(error.messages)}") from None
    except OverflowError:
        raise UnknownFilter(f"The filter {name!r}: the value is too large.") from None
    if isinstance(cleaned, str) and "\0" in cleaned:
        raise UnknownFilter(f"The filter {name!r}: the character NUL is not allowed.")
    return target.get_db_prep_value(cleaned, storage.connection)


def _annotated(scope: QuerySet[Any], found: list[Hit]) -> QuerySet[Any]:
    """Return the found objects of a scope with their rank and snippet, the best first."""
    if not found:
        return scope.none()
    ranks = {str(hit.key): float(hit.rank) for hit in found}
    snippets = {str(hit.key): _marked(hit.snippet or "") for hit in found}
    ranked = (
        scope.filter(pk__in=[hit.key for hit in found])
        .annotate(search_rank=FoundNumber(ranks), search_snippet=FoundText(snippets))
        .order_by("-search_rank", "pk")
    )
    # Of a scope with reverse(), the best would be the last.
    ranked.query.standard_ordering = True
    return ranked


def _marked(snippet: str) -> str:
    """Return a snippet as HTML: escaped, with what was found in ``<mark>``."""
    marked = _FOUND.sub(r"<mark>\1</mark>", str(escape(snippet)))
    # Those of the text itself, which would leave a mark open.
    return marked.replace(OPEN, "").replace(CLOSE, "")


# Of each process: an index that exists is not looked for again.
_BUILT: set[tuple[str, str, str]] = set()


def _is_built(storage: Storage) -> bool:
    place = _place(storage)
    if place not in _BUILT and storage.has_tables() and storage.is_current():
        _BUILT.add(place)
    return place in _BUILT


def _place(storage: Storage) -> tuple[str, str, str]:
    settings = storage.connection.settings_dict
    return storage.connection.alias, str(settings["NAME"]), storage.trigger
