"""An API of every schema that was hard for a generator of types, and its document."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from django.db import models
from ninja import File, Form
from ninja.files import UploadedFile
from ninja.security import HttpBearer
from pydantic import ConfigDict, Field, JsonValue, RootModel, computed_field
from typing_extensions import TypeAliasType

from django_matt import (
    JSONL,
    SSE,
    ControllerBase,
    MattAPI,
    ModelSchema,
    PatchDict,
    Query,
    Schema,
    api_controller,
    http_delete,
    http_get,
    http_patch,
    http_post,
    http_put,
)
from tests.project.models import Author, Edition

__all__ = ["make"]

T = TypeVar("T")
Json = TypeAliasType("Json", "str | int | list[Json] | dict[str, Json] | None")


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Level(IntEnum):
    LOW = 1
    HIGH = 9


class Page(Schema, Generic[T]):
    """One page of a list."""

    items: list[T]
    count: int


class Cat(Schema):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(Schema):
    kind: Literal["dog"] = "dog"
    name: str


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Node(Schema):
    name: str
    children: "list[Node]" = []


class Tree(RootModel[dict[str, "Tree | str"]]):
    """A recursive type that is no object."""


class Empty(Schema):
    """Nothing."""


class Open(Schema):
    model_config = ConfigDict(extra="allow")
    known: int


class Counts(Schema):
    """Other keys are numbers."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    label: str


class Closed(Schema):
    model_config = ConfigDict(extra="forbid")
    known: int


class record(Schema):
    id: int


class Record(Schema):
    id: str


class Größe(Schema):  # noqa: PLC2401 - what this is for
    Straße: str  # noqa: PLC2401
    größe_ß: int = 1  # noqa: PLC2401


class Everything(Schema):
    """The whole zoo: `*/` ends no comment.

    @deprecated is no tag here.
    """

    big: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
    price: Decimal
    day: date
    moment: datetime
    clock: time
    span: timedelta
    key: UUID
    raw: bytes
    size: Size
    level: Level
    pair: tuple[int, str]
    many: tuple[int, ...]
    choice: Literal["a", 1, None, True]
    by_size: dict[Size, int]
    by_letter: dict[Literal["x", "y"], int]
    counts: dict[str, list[int | None]]
    anything: Any
    json_value: JsonValue
    own_json: Json
    pet: Pet
    pets: list[Pet]
    node: Node
    tree: Tree
    maybe: int | None
    default: str = 'it\'s "quoted" */'
    null_default: int | None = None
    letters: Annotated[str, Field(pattern=r"^a*/b$", max_length=3)] = "ab"
    old: Annotated[int, Field(deprecated=True, description="Use\r\n`new`.\u2028")] = 1
    class_: Annotated[int, Field(alias="class")] = 2
    dashed: Annotated[int, Field(alias="x-dashed key")] = 3
    empty: Empty
    open: Open
    counted: Counts
    closed: Closed
    long: Literal[
        "a very long member of a union",
        "another very long member of a union",
        "the third very long one",
    ] = "the third very long one"
    upper: record
    lower: Record
    unicode: Größe

    @computed_field
    @property
    def twice(self) -> int:
        return self.maybe or 0


class WriterOut(ModelSchema):
    class Meta:
        model = Author
        fields = "__all__"


class PrintingOut(ModelSchema):
    class Meta:
        model = Edition
        fields = "__all__"


class Change(Schema):
    name: str
    note: str | None = None


class Filters(Schema):
    text: str | None = None
    sizes: list[Size] = []


class Token(HttpBearer):
    def authenticate(self, request, token):
        return token == "secret"


class Task(models.Model):
    """A table of the tests alone, which is never made."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "All done"

    status = models.CharField(max_length=8, choices=Status)
    rank = models.IntegerField(choices=[(1, "Low rank"), (9, "High rank")], null=True)
    huge = models.BigIntegerField()

    class Meta:
        app_label = "typescript_zoo"


class TaskOut(ModelSchema):
    class Meta:
        model = Task
        fields = "__all__"


def make() -> MattAPI:
    """Return a new API, which can be mounted once."""
    api = MattAPI(title="The zoo", urls_namespace="zoo")

    @api_controller("/things", tags=["things"], auth=Token())
    class ThingController(ControllerBase):
        @http_get("", response=Page[Everything])
        def list_things(self, filters: Query[Filters], limit: int = 10):
            """List */ all."""

        @http_post("", response={201: Everything, 409: Closed})
        def create_thing(self, data: Everything):
            pass

        @http_get("/pets", response=Page[Pet])
        def list_pets(self):
            pass

        @http_get("/nodes", response=Page[Node])
        def nodes(self):
            pass

        @http_get("/numbers", response=Page[int])
        def numbers(self):
            pass

        @http_patch("/{int:thing_id}", response=Change)
        def change_thing(self, thing_id: int, changes: PatchDict[Change]):
            pass

        @http_put("/{int:thing_id}/file", response=Empty, deprecated=True)
        def upload(self, thing_id: int, file: File[UploadedFile], note: Form[str] = ""):
            pass

        @http_delete("/{int:thing_id}", response={204: None})
        def delete(self, thing_id: int):
            pass

        @http_get("/live", response=SSE[Node])
        async def watch(self):
            yield

        @http_get("/export", response=JSONL[WriterOut])
        async def export(self):
            yield

    api.register_controllers(ThingController)

    @api.post("/tree", response=Tree, tags=["class"])
    def delete(request, tree: Tree):
        pass

    @api.get("/json", response=Json)
    def read_json(request):
        pass

    @api.post("/pets", response=Pet, tags=["class"])
    def add_pet(request, pet: Pet):
        pass

    @api.get("/tasks", response=list[TaskOut], by_alias=True)
    def list_tasks(request):
        pass

    @api.get("/editions", response=list[PrintingOut])
    def list_editions(request):
        pass

    @api.api_operation(["PUT", "PATCH"], "/notes/{note}", response={200: str, 202: None})
    def change_note(request, note: str, body: Form[str]):
        pass

    return api
