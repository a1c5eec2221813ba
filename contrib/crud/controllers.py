"""``CrudController``: the routes of a model, from the names of its fields."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction
from django.db.models import BooleanField, DateTimeField, Model, QuerySet
from django.http import HttpRequest
from django.utils.timezone import localdate, now
from ninja import Schema
from ninja.pagination import PaginationBase
from ninja.responses import Status
from ninja_extra import ControllerBase
from ninja_extra.permissions import BasePermission

from django_matt.contrib.crud.imports import import_rows
from django_matt.contrib.crud.lists import ListQuery
from django_matt.contrib.crud.model_schemas import Expand, Schemas
from django_matt.contrib.crud.objects import Changes, save_object
from django_matt.contrib.crud.routes import ALL, READ, STANDARD, Verb, make_routes, model_of
from django_matt.contrib.crud.schemas import Imported
from django_matt.contrib.crud.services import (
    bulk_create,
    bulk_update,
    check_size,
    database_of,
    lock,
)
from django_matt.errors.exceptions import NotFound, PermissionDenied
from django_matt.extensions import GuardsWrites
from django_matt.scopes import narrowed

__all__ = ["ALL", "READ", "STANDARD", "AsyncCrudController", "CrudController", "Schemas", "Verb"]

M = TypeVar("M", bound=Model)


class CrudController(ControllerBase, Generic[M]):
    """The routes of a model: list, create, show, change and delete.

    Name the model and its fields, and decorate the class with ``@api_controller``::

        @api_controller("/books", tags=["books"])
        class BookController(CrudController[Book]):
            fields = ["id", "title", "author", "price"]
            filters, search, ordering = ["author", "price__gte"], ["title"], ["title", "price"]

    Every method may be overridden. Annotate a parameter to give it another type: ``data``, ``key`` or ``query``.
    """

    fields: ClassVar[Sequence[str]] = ()
    """What responses contain, and what clients may write of it. ``"__all__"`` is every column."""
    read_only: ClassVar[Sequence[str]] = ()
    """Fields that clients see and do not write. Keys, computed columns, ``auto_now`` and files are so anyway."""
    write_only: ClassVar[Sequence[str]] = ()
    """Fields that clients write and do not see."""
    expand: ClassVar[Expand] = ()
    """Relations that responses nest instead of their keys: ``{"author": ["id", "name"]}``."""
    schemas: ClassVar[Schemas] = Schemas()
    """Your own schemas in place of derived ones."""
    filters: ClassVar[Sequence[str]] = ()
    """Lookups of Django that become query parameters of the list: ``price__gte``."""
    search: ClassVar[Sequence[str]] = ()
    """The fields that ``?search=`` looks in."""
    ordering: ClassVar[Sequence[str]] = ()
    """The fields that ``?ordering=`` accepts."""
    verbs: ClassVar[Collection[Verb]] = STANDARD
    """The routes: ``READ``, ``STANDARD``, ``ALL``, or names of your choice."""
    paginator: ClassVar[type[PaginationBase] | None] = None
    """The class of the list's pages; None for that of the project."""
    permissions: ClassVar[Mapping[Verb, Sequence[Any]]] = {}
    """Permissions of single routes, in place of the controller's."""
    auth: ClassVar[Mapping[Verb, Any]] = {}
    """Authentication of single routes, in place of the controller's; None for a route that is open to all."""
    version: ClassVar[str] = ""
    """A column that changes with its object. Then objects have an ``ETag``, and a stale ``If-Match`` is a 412."""
    version_required: ClassVar[bool] = False
    """Whether a change and a delete without ``If-Match`` are a 428."""
    soft_delete: ClassVar[str] = ""
    """A column that marks an object as deleted, instead of the delete: a date that may be null, or a boolean."""

    model: ClassVar[type[Model]]
    _query: ClassVar[ListQuery]
    _row: ClassVar[type[Schema]]
    _guard: ClassVar[GuardsWrites | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the routes of a class that names its model."""
        super().__init_subclass__(**options)
        model = model_of(cls)
        if model is not None:
            cls.model = model
        if isinstance(getattr(cls, "model", None), type):
            make_routes(cls)

    @property
    def request(self) -> HttpRequest:
        """The request. A controller has one while a route runs."""
        return cast("Any", self.context).request  # type: ignore[no-any-return]

    # ---- what to override -------------------------------------------------------------------------------------------

    def queryset(self) -> QuerySet[M]:
        """Return the objects that the request may use. What is outside does not exist for it."""
        return cast("QuerySet[M]", self.model._default_manager.all())

    def values(self) -> Mapping[str, Any]:
        """Return what every created object gets, whatever its body says: ``{"owner": self.request.user}``."""
        return {}

    def validate(self, instance: M, unchecked: list[str]) -> None:
        """Check an object before it is saved: the validators of what was sent, and the model's ``clean()``."""
        instance.clean_fields(exclude=unchecked)
        instance.clean()

    def remove(self, instance: M) -> None:
        """Delete an object, or mark it as deleted by ``soft_delete``."""
        if not self.soft_delete:
            instance.delete()
            return
        field = self.model._meta.get_field(self.soft_delete)
        mark: Any = True
        if not isinstance(field, BooleanField):
            mark = now() if isinstance(field, DateTimeField) else localdate()
        setattr(instance, self.soft_delete, mark)
        instance.save()

    # ---- routes -----------------------------------------------------------------------------------------------------

    def list(self, query: Any = None) -> Any:
        """Return the objects that the query parameters ask for."""
        return self._list(query)

    def create(self, data: Any) -> Any:
        """Create an object."""
        return self._create(data)

    def show(self, key: Any) -> Any:
        """Return one object."""
        return self._show(key)

    def change(self, key: Any, data: Any) -> Any:
        """Change the fields that the body has."""
        return self._change(key, data)

    def delete(self, key: Any) -> Any:
        """Delete one object."""
        return self._delete(key)

    def bulk_create(self, data: Any) -> Any:
        """Create all objects, or none."""
        return self._bulk_create(data)

    def bulk_change(self, data: Any) -> Any:
        """Change all objects, or none."""
        return self._bulk_change(data)

    def bulk_import(self) -> Any:
        """Create an object for each line of the body, or none."""
        return self._bulk_import()

    def export(self, query: Any = None) -> Any:
        """Return all objects that the query parameters ask for, without pages."""
        return self._list(query)

    # ---- what they do -----------------------------------------------------------------------------------------------

    def _list(self, query: Any) -> QuerySet[M]:
        return self._query.apply(self._objects(), query)

    def _show(self, key: Any) -> QuerySet[M]:
        found = self._objects().filter(**vars(key))
        if self._checks_objects():
            self.check_object_permissions(self._get(narrowed(found)))
        return found

    def _create(self, data: Any) -> Status[Any]:
        using = database_of(self._objects())
        instance = self.model()
        changes = Changes(self.model, data, self.values())
        try:
            with transaction.atomic(using=using):
                save_object(instance, changes, using, self.validate)
                return Status(201, self._saved(instance, using))
        except BaseException:
            changes.discard_files()
            raise

    def _change(self, key: Any, data: Any) -> QuerySet[M]:
        queryset = self._objects()
        using = database_of(queryset)
        changes = Changes(self.model, data, {})
        try:
            with transaction.atomic(using=using):
                instance = self._locked(queryset, key, using)
                if self.version and not getattr(
                    self.model._meta.get_field(self.version), "auto_now", False
                ):
                    setattr(instance, self.version, getattr(instance, self.version) + 1)
                save_object(instance, changes, using, self.validate)
                return self._saved(instance, using)
        except BaseException:
            changes.discard_files()
            raise

    def _delete(self, key: Any) -> Status[None]:
        queryset = self._objects()
        using = database_of(queryset)
        with transaction.atomic(using=using):
            self.remove(self._locked(queryset, key, using))
        return Status(204, None)

    def _bulk_create(self, data: Any) -> Status[Any]:
        queryset = self._objects()
        using = database_of(queryset)
        with transaction.atomic(using=using):
            made = bulk_create(queryset, data, values=self.values())
            return Status(201, self._saved_all(made, using))

    def _bulk_change(self, data: Any) -> Any:
        queryset = self._objects()
        using = database_of(queryset)
        with transaction.atomic(using=using):
            if self._checks_objects():
                # Before they are changed: a client could make itself the owner of what it changes.
                check_size(data)
                keys = [getattr(row, self.model._meta.pk.attname) for row in data]
                for instance in lock(narrowed(queryset.filter(pk__in=keys)), using):
                    self.check_object_permissions(instance)
            return self._saved_all(bulk_update(queryset, data), using)

    def _bulk_import(self) -> Status[Imported]:
        queryset = self._objects()
        using = database_of(queryset)
        values = self.values()

        def write(rows: Sequence[Any]) -> None:
            self._saved_all(bulk_create(queryset, rows, values=values), using)

        with transaction.atomic(using=using):
            created = import_rows(self.request, self._row, write)
        return Status(201, Imported(created=created))

    def _objects(self) -> QuerySet[M]:
        """Return the objects that the request may use, without those that are marked as deleted."""
        found = self.queryset()
        if not self.soft_delete:
            return found
        is_boolean = isinstance(self.model._meta.get_field(self.soft_delete), BooleanField)
        return found.filter(**{self.soft_delete: False if is_boolean else None})

    def _locked(self, queryset: QuerySet[M], key: Any, using: str) -> M:
        """Return the object to write, with its row locked, if the client may write it and has read this version."""
        instance = self._get(lock(narrowed(queryset.filter(**vars(key))), using))
        self.check_object_permissions(instance)
        if self._guard is not None:
            self._guard.check_preconditions(self.request, instance)
        return instance

    def _get(self, queryset: QuerySet[M]) -> M:
        found = queryset.first()
        if found is None:
            raise NotFound
        return found

    def _saved(self, instance: Model, using: str) -> QuerySet[M]:
        """Return the queryset of a saved object; nobody writes what they may not read afterwards.

        It reads where the object was written, because a replica may not have it yet.
        """
        allowed = self._objects().using(using)
        found = allowed.filter(pk=instance.pk)
        if _hides(allowed) and not narrowed(found).exists():
            raise PermissionDenied("An object that you may not read afterwards is not saved.")
        return found

    def _saved_all(self, objects: Sequence[Any], using: str) -> Any:
        keys = [instance.pk for instance in objects]
        allowed = self._objects().using(using)
        found = allowed.filter(pk__in=keys)
        # By their keys: a filter by several values of one row repeats it.
        if _hides(allowed) and narrowed(found).values("pk").distinct().count() < len(keys):
            raise PermissionDenied("Objects that you may not read afterwards are not saved.")
        return found.order_by("pk")

    def _checks_objects(self) -> bool:
        """Whether a permission of this route looks at objects."""
        kinds = (
            each if isinstance(each, type) else type(each)
            for each in cast("Any", self.context).permission_classes
        )
        unused = BasePermission.has_object_permission
        return any(getattr(kind, "has_object_permission", None) is not unused for kind in kinds)


class AsyncCrudController(CrudController[M]):
    """``CrudController`` with asynchronous routes; its writes run in one thread, in one transaction."""

    async def list(self, query: Any = None) -> Any:
        """Return the objects that the query parameters ask for."""
        return await _read(self._list, query)

    async def create(self, data: Any) -> Any:
        """Create an object."""
        return await sync_to_async(self._create)(data)

    async def show(self, key: Any) -> Any:
        """Return one object."""
        if self._checks_objects():
            return await sync_to_async(self._show)(key)
        return await _read(self._show, key)

    async def change(self, key: Any, data: Any) -> Any:
        """Change the fields that the body has."""
        return await sync_to_async(self._change)(key, data)

    async def delete(self, key: Any) -> Any:
        """Delete one object."""
        return await sync_to_async(self._delete)(key)

    async def bulk_create(self, data: Any) -> Any:
        """Create all objects, or none."""
        return await sync_to_async(self._bulk_create)(data)

    async def bulk_change(self, data: Any) -> Any:
        """Change all objects, or none."""
        return await sync_to_async(self._bulk_change)(data)

    async def bulk_import(self) -> Any:
        """Create an object for each line of the body, or none."""
        return await sync_to_async(self._bulk_import)()

    async def export(self, query: Any = None) -> Any:
        """Return all objects that the query parameters ask for, without pages."""
        return await _read(self._list, query)


def _hides(allowed: QuerySet[Any]) -> bool:
    """Whether there may be objects that the request may not use."""
    return bool(narrowed(allowed).query.where)


async def _read(make: Callable[[Any], Any], argument: Any) -> Any:
    """Make a queryset; in a thread if it needs the database for that, as the first use of ``request.user`` does."""
    try:
        return make(argument)
    except SynchronousOnlyOperation:
        return await sync_to_async(make)(argument)
