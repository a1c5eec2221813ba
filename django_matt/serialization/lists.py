"""Lists inside objects: what one further query fetches for all the objects of an answer."""

from dataclasses import replace
from typing import Any

from django.db import router
from django.db.models import F, Model

from django_matt.serialization.core_schemas import Closed
from django_matt.serialization.encoder import KINDS
from django_matt.serialization.forms import key_parser
from django_matt.serialization.levels import accessor_of, is_reverse, joins_by_key
from django_matt.serialization.statements import Statement, check, compiled, key_of

__all__ = ["Key", "Many"]

# As many keys as one IN takes on any build of SQLite (SQLITE_MAX_VARIABLE_NUMBER).
_KEYS = 30_000
_ONE = "IN (%s)"
_MODEL, _LINK = KINDS["model"], KINDS["link"]


class Key(F):
    """A key by which rows are put together: another column than the same one written."""

    default_alias = "matt_key"


class Many:
    """A list inside an object: what one further query fetches for all the objects."""

    def __init__(
        self, relation: Any, node: Any, parent: Any, model: type[Model], path: tuple[Any, ...]
    ) -> None:
        """Find the way back from the items to the objects of a model, or raise ``Closed``."""
        name, target = accessor_of(relation), relation.related_model
        through = getattr(relation, "content_type_field_name", None)
        if target is None or through:
            raise Closed(f"{name} is a relation to any model")
        if node.longest >= 0 or node.shortest > 0:
            raise Closed(f"the length of {name} is bounded")
        if router.routers and not router.allow_migrate_model(parent.using, target):
            raise Closed(f"{name} is in another database")
        if relation.one_to_many:
            back = relation.field
            self.back = back.name
            by_key = back.foreign_related_fields == (model._meta.pk,)
        else:
            forward = not is_reverse(relation)
            self.back = relation.related_query_name() if forward else relation.field.name
            by_key = joins_by_key(relation) and target is not model
            if not self.back.isidentifier():
                raise Closed(f"{name} has no way back: its related_name is hidden")
        if not by_key:
            raise Closed(f"{name} is matched by another column than the primary key")
        item = node.item
        if item.nullable or item.kind not in (_MODEL, _LINK):
            raise Closed(f"{name} is a list of no schema")
        self.using = parent.using
        self.parse = key_parser(model._meta.pk)
        self.template = type(parent)(
            item, target, self.using, parent.encoder, path=path, first=(Key(self.back),)
        )

    def queryset(self) -> Any:
        """Return what the relation's own manager would start from."""
        queryset = self.template.model._default_manager.using(self.using)
        check(queryset)
        return queryset

    def fetch(self, keys: list[Any]) -> dict[Any, list[bytes]]:
        """Return the items of each key, in their order."""
        found: dict[Any, list[bytes]] = {}
        # An object that is not there has no key.
        asked = [key for key in dict.fromkeys(keys) if key is not None]
        for start in range(0, len(asked), _KEYS):
            rows, extras = self.template.fetch(self.statement(asked[start : start + _KEYS]))
            found.update(self.template.program.group(rows, extras))
        return found

    def statement(self, keys: list[Any]) -> Statement | None:
        """Return the SELECT of the items of keys, as the driver gave these."""
        queryset = self.queryset()
        key = key_of(queryset.query) if self.parse is not None else None
        known: Statement | None = self.template.statements.get(key)
        if known is None:
            known = None if key is None else self._compiled(queryset, keys[:1])
            if known is None or known.sql.count("%s") != 1 or _ONE not in known.sql:
                return self._compiled(queryset, keys)
            self.template.keep(key, known)
        if self.template.as_text:
            # One parameter, however many keys there are; psycopg writes the items of an array in Python.
            parsed = [*map(self.parse or str, keys)]
            array = parsed if self.parse is str else f"{{{','.join(map(str, parsed))}}}"
            some, params = "= ANY(%s)", (array,)
        else:
            some, params = f"IN ({', '.join(['%s'] * len(keys))})", tuple(keys)
        return replace(known, sql=known.sql.replace(_ONE, some), params=params)

    def _compiled(self, queryset: Any, keys: list[Any]) -> Statement | None:
        chosen = queryset.filter(**{f"{self.back}__in": keys})
        return compiled(self.template.select(chosen), self.using)
