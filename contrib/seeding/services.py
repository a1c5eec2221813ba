"""Seeds models: in the order of their relations, each in one transaction, the same rows for the same seed."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from random import Random
from typing import Any

from django.apps import apps
from django.db import DataError, IntegrityError, connections, transaction
from django.db.models import Max, Model, QuerySet

from django_matt.contrib.seeding.columns import Batch, Maker, check, maker_of
from django_matt.contrib.seeding.errors import SeedingError
from django_matt.contrib.seeding.inserts import insert
from django_matt.contrib.seeding.rules import is_automatic, rules_of
from django_matt.contrib.seeding.seeds import seeds_for
from django_matt.contrib.seeding.words import Words, words_of

__all__ = ["Step", "left_of", "plan", "seed"]

_BATCH = 5_000
_POOL = 10_000
_MANY = 3
_NUMBER = re.compile(r"(?<!\d)(\d{1,9})(?:@example\.com)?$")
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Step:
    """A model to seed, and how many rows it gets."""

    model: type[Model]
    count: int
    why: str = ""
    """Which model needs these rows, if nobody asked for them."""


def plan(wanted: dict[type[Model], int], using: str) -> list[Step]:
    """Return what is seeded, in an order in which every row finds those that it refers to.

    A model that is referred to and has no rows gets some too.
    """
    steps: dict[type[Model], Step] = {}
    pending: list[type[Model]] = []

    def visit(model: type[Model], count: int, why: str) -> None:
        if model in pending:
            names = " → ".join(each._meta.label for each in [*pending, model])
            raise SeedingError(
                f"These models need each other: {names}. Make one of the foreign keys nullable, or seed one by hand."
            )
        if model in steps:
            return
        pending.append(model)
        for column in model._meta.concrete_fields:
            target = column.related_model if column.is_relation else None
            if target is None or target is model or _is_parent_link(column):
                continue
            if column.null and target not in wanted:
                continue
            missing = _missing(column, target, count, using)
            if target in wanted or missing:
                if target in pending and column.null:
                    continue
                visit(
                    target,
                    max(wanted.get(target, 0), missing),
                    f"{model._meta.label}.{column.name}",
                )
        pending.pop()
        steps[model] = Step(model, count, "" if model in wanted else why)

    seen: set[type[Model]] = set()

    def arrange(model: type[Model]) -> None:
        # Many-to-many fields are filled with the model, so their objects come before it where they can.
        seen.add(model)
        for field in (*model._meta.concrete_fields, *model._meta.many_to_many):
            target: Any = field.related_model if field.is_relation else None
            if target in wanted and target not in seen:
                arrange(target)
        visit(model, wanted[model], "")

    # A generic foreign key refers to what is there.
    for model in sorted(wanted, key=lambda each: bool(generic_columns(each))):
        if model not in seen:
            arrange(model)
    return [step for step in steps.values() if step.count]


def _missing(column: Any, target: type[Model], count: int, using: str) -> int:
    """Return how many rows of another model a column needs that do not exist."""
    if target._meta.label_lower == "contenttypes.contenttype":
        return 0
    there = rows_of(target, using)
    if column.unique:
        used: int = rows_of(column.model, using).count()
        return max(0, used + count - there.count())
    return 0 if there.exists() else max(1, min(count // 10, 1_000))


def generic_columns(model: type[Model]) -> tuple[str, ...]:
    """Return the two columns of a generic foreign key, if the model has one."""
    for field in model._meta.private_fields:
        kind = getattr(field, "ct_field", None)
        if kind and hasattr(field, "fk_field") and not hasattr(field, "object_id_field_name"):
            content_type: Any = model._meta.get_field(kind)
            return content_type.attname, field.fk_field
    return ()


def rows_of(model: type[Model], using: str) -> QuerySet[Any]:
    """Return all rows of a model, also those that its managers hide."""
    return QuerySet(model, using=using)


def _is_parent_link(column: Any) -> bool:
    return bool(column.is_relation and column.remote_field.parent_link)


def left_of(wanted: dict[type[Model], int], using: str) -> dict[type[Model], int]:
    """Return how many rows each model lacks of those that are wanted; all rows that it has count."""
    return {model: max(0, count - rows_of(model, using).count()) for model, count in wanted.items()}


def seed(
    step: Step,
    number: int,
    using: str,
    tell: Tell = lambda done: None,
    *,
    locale: str = "en",
    in_parts: bool = False,
) -> int:
    """Insert the rows of a step in one transaction and return how many; ``number`` chooses the values.

    With ``in_parts``, each 5,000 rows are a transaction, so that an interruption keeps what was made. Raises
    ``SeedingError`` if a rule of the model cannot be obeyed; nothing of the transaction is inserted then.
    """
    model = step.model
    try:
        with nullcontext() if in_parts else transaction.atomic(using=using):
            table = _Table(model, number, using, words_of(locale))
            return table.fill(step.count, tell)
    except (IntegrityError, DataError) as error:
        text = str(error).splitlines()[0]
        raise SeedingError(
            f"{model._meta.label}: the database refused the rows: {text}. "
            f"Write functions for the columns of this rule into seeds.py of the app {model._meta.app_label!r}."
        ) from error


class _Table:
    """A model while it is filled."""

    def __init__(self, model: type[Model], number: int, using: str, words: Words) -> None:
        self._model = model
        self._words = words
        self._using = using
        self._seeds = seeds_for(model)
        meta = model._meta
        self._columns = [column for column in meta.concrete_fields if self._is_made(column)]
        generic = generic_columns(model)
        chosen = {c.attname for c in meta.concrete_fields if c.is_relation} | set(generic)
        self._rules = rules_of(model, chosen | self._choices())
        self._start = self._first_number()
        self._random = Random(f"{number}:{meta.label_lower}:{self._start}")  # noqa: S311 - the same again
        self._makers: dict[str, Maker] = {}
        self._together: list[Callable[[Batch], None]] = []
        # Rows without a parent are all different.
        made = {column.attname for column in self._columns}
        grids = [grid for grid in self._rules.grids if made.issuperset(grid)]
        grid_names = {name for grid in grids for name in grid}
        for column in self._columns:
            own = self._seeds.get(column.attname) or self._seeds.get(column.name)
            if own is not None:
                self._makers[column.attname] = own
            elif column.attname in generic or column.attname in grid_names:
                continue
            else:
                self._makers[column.attname] = self._maker(column)
        for grid in grids:
            if not set(grid) <= set(self._makers):
                self._together.append(self._combine(grid, generic))
        if generic and not grid_names.issuperset(generic):
            self._together.append(self._refer(generic))

    def fill(self, count: int, tell: Tell) -> int:
        model, meta = self._model, self._model._meta
        many = [
            field
            for field in meta.many_to_many
            if field.remote_field.through._meta.auto_created  # type: ignore[union-attr]
        ]
        trees = [
            column
            for column in meta.concrete_fields
            if self._is_of_itself(column)
            and not column.unique
            and not any(column.attname in grid for grid in self._rules.grids)
        ]
        needs_keys = bool(many or trees)
        done = 0
        while done < count:
            batch = Batch(
                start=self._start + done,
                size=min(_BATCH, count - done),
                random=self._random,
                using=self._using,
                words=self._words,
            )
            # What belongs to a row is written with it, also where each batch is a transaction.
            with transaction.atomic(using=self._using, savepoint=False):
                for make in self._together:
                    make(batch)
                for name in self._ordered():
                    batch.columns[name] = self._makers[name](batch)
                self._check(batch)
                keys = insert(
                    model, batch.columns, self._using, needs_keys=needs_keys, size=batch.size
                )
                for field in many:
                    self._connect(field, keys)
                for column in trees:
                    self._grow(column, keys)
            done += batch.size
            tell(done)
        return done

    def _is_made(self, column: Any) -> bool:
        if column.generated or _is_parent_link(column) or is_automatic(column):
            return False
        # A tree is grown afterwards.
        return not self._is_of_itself(column)

    def _is_of_itself(self, column: Any) -> bool:
        return bool(column.is_relation and column.related_model is self._model and column.null)

    def _choices(self) -> set[str]:
        return {c.attname for c in self._columns if c.flatchoices}

    def _first_number(self) -> int:
        """Return a number that no row has had: rows are told apart by it."""
        count, is_numbered = 0, False
        for table in (self._model, *self._model._meta.get_parent_list()):
            rows = rows_of(table, self._using)
            count = max(count, rows.count())
            key: Any = table._meta.pk
            if is_automatic(key):
                is_numbered = True
                count = max(count, rows.aggregate(most=Max("pk"))["most"] or 0)
        rows = rows_of(self._model, self._using)
        for column in self._columns:
            if column.attname in self._rules.counted and column.get_internal_type().endswith(
                "IntegerField"
            ):
                most = rows.aggregate(most=Max(column.attname))["most"]
                count = max(count, (most or -1) + 1)
            elif column.attname in self._rules.counted and not is_numbered:
                # If rows were deleted, there are fewer than numbers that were used.
                for value in rows.values_list(column.attname, flat=True).iterator():
                    found = _NUMBER.search(value) if isinstance(value, str) else None
                    count = max(count, int(found[1]) + 1 if found else 0)
        return count

    def _maker(self, column: Any) -> Maker:
        if column.is_relation:
            return self._keys(column)
        counted = column.attname in self._rules.counted
        return maker_of(column, self._rules.bounds[column.attname], counted=counted)

    def _pool(self, column: Any) -> list[Any]:
        """Return the values that a foreign key may have."""
        rows = rows_of(column.related_model, self._using)
        limit = column.get_limit_choices_to()
        rows = rows.complex_filter(limit) if limit else rows
        name = column.target_field.attname
        return list(rows.order_by("pk").values_list(name, flat=True)[:_POOL])

    def _keys(self, column: Any) -> Maker:
        if column.unique:
            return self._unused(column)
        pool: list[Any] = []

        def choose(batch: Batch) -> list[Any]:
            if not pool:
                pool.extend(self._pool(column))
            if not pool and column.null:
                return [None] * batch.size
            if not pool:
                raise SeedingError(
                    f"{column.model._meta.label}.{column.name} refers to {column.related_model._meta.label}, "
                    "which has no rows that it accepts."
                )
            found = batch.choose(pool)
            if column.null:
                found = [None if batch.random.random() < 0.1 else key for key in found]
            return found

        return choose

    def _unused(self, column: Any) -> Maker:
        """Return what gives each row a key that no other row has."""
        name = column.target_field.attname
        taken = rows_of(column.model, self._using).values(column.attname)
        rows = rows_of(column.related_model, self._using)
        left: Iterator[Any] = iter(
            rows.exclude(**{f"{name}__in": taken.exclude(**{column.attname: None})})
            .order_by("pk")
            .values_list(name, flat=True)
        )

        def take(batch: Batch) -> list[Any]:
            found = list(itertools.islice(left, batch.size))
            missing = batch.size - len(found)
            if missing and not column.null:
                raise SeedingError(
                    f"{column.model._meta.label}.{column.name} is unique: {column.related_model._meta.label} "
                    f"has {missing} rows too few."
                )
            return found + [None] * missing

        return take

    def _combine(self, grid: Sequence[str], generic: tuple[str, ...]) -> Callable[[Batch], None]:
        """Return what gives the rows combinations of keys and choices that do not exist yet."""
        # The two columns of a generic foreign key belong together.
        pairs = generic if generic and set(generic) <= set(grid) else ()
        singles = [name for name in grid if name not in pairs]
        names = (*singles, *pairs)
        columns = [c for name in names for c in self._columns if c.attname == name]
        pools: list[list[tuple[Any, ...]]] = [
            [(value,) for value in self._values(c)] for c in columns[: len(singles)]
        ]
        if pairs:
            pools += [list(self._targets())]
        rows = rows_of(self._model, self._using)
        taken = set(rows.values_list(*names)) if rows.exists() else set()
        every = (tuple(itertools.chain(*each)) for each in itertools.product(*pools))
        left = (each for each in every if each not in taken)

        def combine(batch: Batch) -> None:
            found = list(itertools.islice(left, batch.size))
            if any(column.null for column in columns) and all(pools):
                # Rows with a null are all different.
                some = itertools.chain(*(pool[0] for pool in pools))
                rest = tuple(None if c.null else v for c, v in zip(columns, some, strict=True))
                found += [rest] * (batch.size - len(found))
            if len(found) < batch.size:
                most = len(taken) + batch.start - self._start + len(found)
                raise SeedingError(
                    f"{self._model._meta.label}: {', '.join(names)} are unique together, and there are only {most} "
                    "combinations. Seed more rows of the models that they refer to, or fewer of this one."
                )
            for name, values in zip(names, zip(*found, strict=True), strict=True):
                batch.columns[name] = list(values)

        return combine

    def _values(self, column: Any) -> list[Any]:
        if column.is_relation:
            return self._pool(column)
        bounds = self._rules.bounds[column.attname]
        return list(bounds.among) if bounds.among is not None else [False, True]

    def _targets(self) -> list[tuple[int, Any]]:
        """Return the content types and keys of objects that a generic foreign key may refer to."""
        targets: list[tuple[int, Any]] = []
        tables = set(connections[self._using].introspection.table_names())
        for kind in rows_of(apps.get_model("contenttypes.ContentType"), self._using).order_by("pk"):
            model = kind.model_class()
            if model is None or model is self._model or model._meta.db_table not in tables:
                continue
            if model._meta.app_label != self._model._meta.app_label:
                continue
            if not model._meta.pk.get_internal_type().endswith("AutoField"):
                continue
            keys = rows_of(model, self._using).values_list("pk", flat=True)[:100]
            targets += [(kind.pk, key) for key in keys]
        return targets

    def _refer(self, names: Sequence[str]) -> Callable[[Batch], None]:
        """Return what fills a generic foreign key with objects of models that have rows."""
        targets = self._targets()

        def refer(batch: Batch) -> None:
            if not targets:
                column: Any = self._model._meta.get_field(names[1])
                if not column.null:
                    raise SeedingError(
                        f"{self._model._meta.label} refers to objects of any model, and this app has none yet."
                    )
                pairs: list[Any] = [(None, None)] * batch.size
            else:
                pairs = batch.choose(targets)
            for name, values in zip(names, zip(*pairs, strict=True), strict=True):
                batch.columns[name] = list(values)

        return refer

    def _ordered(self) -> list[str]:
        """Return the columns in an order in which those that are compared come after what they are compared with."""
        found: list[str] = []

        def visit(name: str, seen: tuple[str, ...]) -> None:
            if name in found or name not in self._makers or name in seen:
                return
            for _, other in self._rules.bounds[name].after:
                visit(other, (*seen, name))
            found.append(name)

        for name in self._makers:
            visit(name, ())
        return found

    def _check(self, batch: Batch) -> None:
        for column in self._columns:
            values = batch.columns[column.attname]
            if len(values) != batch.size:
                raise SeedingError(
                    f"{self._model._meta.label}.{column.name}: the function of seeds.py returned {len(values)} values "
                    f"for {batch.size} rows."
                )
            if not column.is_relation:
                check(column, values)

    def _connect(self, field: Any, keys: Sequence[Any]) -> None:
        """Give each row up to three objects of a many-to-many field."""
        through = field.remote_field.through
        target = field.related_model
        limit = field.get_limit_choices_to()
        there = rows_of(target, self._using)
        there = there.complex_filter(limit) if limit else there
        pool = list(there.order_by("pk").values_list("pk", flat=True)[:_POOL])
        if not pool:
            return
        mine, theirs = field.m2m_field_name(), field.m2m_reverse_field_name()
        pairs = [
            (key, other)
            for key in keys
            for other in self._random.sample(pool, min(self._random.randint(0, _MANY), len(pool)))
        ]
        if field.remote_field.symmetrical:
            # Django has a row for each direction.
            pairs = list(dict.fromkeys(each for pair in pairs for each in (pair, pair[::-1])))
        rows = [through(**{f"{mine}_id": key, f"{theirs}_id": other}) for key, other in pairs]
        rows_of(through, self._using).bulk_create(rows, batch_size=1_000)

    def _grow(self, column: Any, keys: Sequence[Any]) -> None:
        """Give most rows a parent that was made before them, so that there are no circles."""
        rows = rows_of(self._model, self._using).in_bulk(keys)
        changed = []
        for index, key in enumerate(keys):
            if index and self._random.random() < 0.7:
                parent = rows[keys[self._random.randrange(index)]]
                setattr(rows[key], column.attname, getattr(parent, column.target_field.attname))
                changed.append(rows[key])
        rows_of(self._model, self._using).bulk_update(changed, [column.name], batch_size=500)
