"""A schema becomes a form: what is accepted, what people read, and which objects a field refers to."""

import time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from django.db import models
from django.utils.translation import override
from ninja import ModelSchema, NinjaAPI, PatchDict, Schema, UploadedFile
from ninja_extra import api_controller
from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime, RootModel, SecretStr, create_model

from django_matt import MattAPI
from django_matt.contrib.crud.controllers import ALL, CrudController
from django_matt.forms import FieldDescription, FormDescription, Relation, describe
from tests.project.models import Author, Book, Colour, Everything, Tag


class EverythingIn(ModelSchema):
    class Meta:
        model = Everything
        fields = "__all__"


class BookIn(ModelSchema):
    class Meta:
        model = Book
        fields = ["title", "price", "author", "editor", "tags"]


class Size(Enum):
    EXTRA_LARGE = "xl"
    SMALL = "s"


class Address(BaseModel):
    """Where it goes."""

    street: str = Field(max_length=80)
    city: str


class Line(BaseModel):
    sku: str
    quantity: int = Field(1, ge=1, le=99)


class Card(BaseModel):
    kind: Literal["card"]
    number: str


class Bill(BaseModel):
    kind: Literal["bill"]


class Order(BaseModel):
    """What a customer orders."""

    customer_email: str = Field(json_schema_extra={"format": "email"})
    address: Address
    billing: Address | None = None
    lines: list[Line] = Field(min_length=1, max_length=10)
    size: Size = Size.SMALL
    payment: Annotated[Card | Bill, Field(discriminator="kind")]
    note: str = Field("", max_length=2000)
    codes: list[str] = []
    colours: set[Colour] = set()
    total: Decimal = Field(gt=0, max_digits=8, decimal_places=2)
    ratio: float = Field(ge=0, le=1, multiple_of=0.25)
    weight: int | str = 1
    is_gift: bool = False
    agreed: Literal[True]
    is_known: bool | None = None
    files: list[UploadedFile] = []
    secret: SecretStr
    when: NaiveDatetime


def fields(schema: Any) -> dict[str, FieldDescription]:
    return {each.name: each for each in describe(schema).fields}


@pytest.mark.parametrize(
    ("name", "kind", "widget"),
    [
        ("big", "integer", "number"),
        ("boolean", "boolean", "checkbox"),
        ("maybe", "boolean", "select"),
        ("char", "text", "text"),
        ("date", "date", "date"),
        ("moment", "datetime", "datetime"),
        ("decimal", "decimal", "number"),
        ("duration", "duration", "text"),
        ("email", "text", "email"),
        ("float", "number", "number"),
        ("document", "json", "json"),
        ("text", "text", "textarea"),
        ("time", "time", "time"),
        ("url", "text", "url"),
        ("uuid", "text", "text"),
        ("colour", "text", "select"),
        ("level", "integer", "select"),
        ("author_id", "integer", "relation"),
        ("tags", "integer", "relation"),
    ],
)
def test_each_column_has_its_kind_and_its_widget(name, kind, widget):
    found = fields(EverythingIn)[name]
    assert (found.kind, found.widget) == (kind, widget)


def test_the_columns_of_a_model_bound_its_fields():
    found = fields(EverythingIn)
    assert found["char"].max_length == 50
    assert found["decimal"].step == 0.0001
    assert found["decimal"].exclusive_maximum == 100_000_000
    assert found["big"].maximum is None, "the bound of every integer tells nobody anything"
    assert found["colour"].options == (("red", "Red"), ("blue", "Blue"))
    assert found["level"].options == ((1, "Low"), (2, "High"))
    assert found["char"].has_default
    assert found["char"].default == ""
    assert found["date"].default == "2024-02-29"
    assert not found["uuid"].required


def test_a_model_schema_is_called_after_its_model():
    form = describe(BookIn)
    # Ninja counts on if another module has a schema of that name.
    assert (form.name, form.title, form.model) == (BookIn.__name__, "Book", "project.book")
    assert [each.name for each in form.fields] == [
        "title",
        "price",
        "author_id",
        "editor_id",
        "tags",
    ]
    author, editor, tags = (form.field(name) for name in ("author_id", "editor_id", "tags"))
    assert author.relation == Relation(model="project.author")
    assert (author.required, author.nullable, author.label) == (True, False, "Author")
    assert (editor.required, editor.nullable) == (False, True)
    assert tags.relation == Relation(model="project.tag", many=True)
    assert tags.many


def test_a_plain_schema():
    form = describe(Order)
    assert (form.title, form.help, form.model) == ("Order", "What a customer orders.", None)
    found = {each.name: each for each in form.fields}
    assert list(found) == list(Order.model_fields)
    assert found["customer_email"].widget == "email"
    assert found["customer_email"].label == "Customer email"
    assert found["size"].options == (("xl", "Extra large"), ("s", "Small"))
    assert found["size"].default == "s"
    assert found["note"].widget == "textarea"
    assert (found["codes"].many, found["codes"].kind, found["codes"].default) == (True, "text", [])
    assert found["colours"].widget == "checkboxes"
    assert found["colours"].options == (("red", "Red"), ("blue", "Blue"))
    assert (found["total"].kind, found["total"].step) == ("decimal", 0.01)
    assert found["total"].exclusive_minimum == 0
    assert (found["ratio"].minimum, found["ratio"].maximum, found["ratio"].step) == (0, 1, 0.25)
    assert found["is_gift"].widget == "checkbox"
    assert (found["agreed"].kind, found["agreed"].widget) == ("boolean", "checkbox")
    assert found["is_known"].options == ((True, "Yes"), (False, "No"))
    assert (found["files"].kind, found["files"].widget, found["files"].many) == (
        "file",
        "file",
        True,
    )
    assert (found["secret"].widget, found["secret"].autocomplete) == (
        "password",
        "current-password",
    )
    assert found["when"].extra == {"naive": True}


def test_objects_are_groups_and_lists_of_them_are_rows():
    found = fields(Order)
    address, lines = found["address"], found["lines"]
    assert (address.kind, address.widget, address.many) == ("object", "group", False)
    assert address.form is not None
    assert address.form.help == "Where it goes."
    assert address.form.field("street").max_length == 80
    assert (found["billing"].widget, found["billing"].nullable) == ("group", True)
    assert (lines.kind, lines.widget, lines.many) == ("object", "rows", True)
    assert (lines.min_items, lines.max_items) == (1, 10)
    assert lines.form is not None
    assert lines.form.field("quantity").maximum == 99


def test_a_union_is_entered_as_json():
    found = fields(Order)
    assert (found["payment"].kind, found["payment"].widget) == ("json", "json")
    assert (found["weight"].kind, found["weight"].default) == ("json", 1)


class Person(BaseModel):
    name: str
    parent: Optional["Person"] = None
    children: list["Person"] = []


class Left(BaseModel):
    right: "Right | None" = None


class Right(BaseModel):
    left: Left | None = None


def test_a_schema_that_contains_itself_ends():
    found = fields(Person)
    assert found["parent"].widget == "json"
    assert found["children"].widget == "json"
    right = fields(Left)["right"]
    assert right.form is not None
    assert right.form.field("left").widget == "json"


def test_objects_that_are_nested_deep_end():
    inner: Any = create_model("Level0", value=(int, 0))
    for level in range(1, 40):
        inner = create_model(  # type: ignore[assignment]
            f"Level{level}", left=(inner, ...), right=(inner, ...)
        )
    began = time.process_time()
    form: FormDescription | None = describe(inner)
    assert time.process_time() - began < 5
    depth = 0
    while form is not None:
        form = form.fields[0].form
        depth += 1
    assert depth == 6


class Hinted(BaseModel):
    model_config = ConfigDict(json_schema_extra={"ui": {"order": ["b"], "columns": 2}})

    a: str = Field(
        json_schema_extra={
            "ui": {
                "label": "First",
                "help": "Any text.",
                "widget": "textarea",
                "placeholder": "abc",
                "autocomplete": "given-name",
                "rows": 3,
            }
        }
    )
    b: int
    c: int = Field(json_schema_extra={"ui": {"order": -1}})
    d: int = Field(json_schema_extra={"ui": {"widget": "group"}})
    e: int = Field(json_schema_extra={"ui": {"model": "project.Author", "label": "Writer"}})
    f: Literal["a", "b"] = Field(json_schema_extra={"ui": {"labels": {"a": "Apple"}}})
    g: str = Field(json_schema_extra={"ui": "nonsense"})
    h: int = Field(0, json_schema_extra={"ui": {"widget": "StarsWidget"}})


def test_hints_override_what_is_derived():
    form = describe(Hinted)
    assert [each.name for each in form.fields] == ["c", "b", "a", "d", "e", "f", "g", "h"]
    a = form.field("a")
    assert (a.label, a.help, a.widget, a.placeholder) == ("First", "Any text.", "textarea", "abc")
    assert (a.autocomplete, a.extra) == ("given-name", {"rows": 3})
    assert form.extra == {"columns": 2}
    # A number cannot be a group, and a widget that we do not know is one of the front end.
    assert (form.field("d").widget, form.field("d").extra) == ("number", {})
    assert form.field("h").extra == {"widget": "StarsWidget"}
    assert form.field("e").relation == Relation(model="project.author")
    assert form.field("f").options == (("a", "Apple"), ("b", "B"))


def test_passwords_tell_password_managers_which_one_is_asked_for():
    class ChangePassword(BaseModel):
        username: str
        password: str
        new_password: str
        password_confirmation: str
        password2: str

    found = {name: each.autocomplete for name, each in fields(ChangePassword).items()}
    assert found == {
        "username": "username",
        "password": "current-password",
        "new_password": "new-password",
        "password_confirmation": "new-password",
        "password2": "new-password",
    }


def test_what_a_patch_may_leave_out_has_no_default():
    wrapped: Any = PatchDict[BookIn]
    found = fields(wrapped.__origin__)
    assert not any(each.required or each.has_default for each in found.values())

    class Plain(Schema):
        price: Decimal = Decimal(1)
        is_new: bool

    changed: Any = PatchDict[Plain]
    patch = fields(changed.__origin__)
    assert (patch["price"].kind, patch["price"].nullable) == ("decimal", False)
    assert patch["is_new"].widget == "select", "an absent checkbox would be false"


def test_fields_have_the_names_of_the_json():
    class Aliased(BaseModel):
        first_name: str = Field(alias="firstName")

    (found,) = describe(Aliased).fields
    assert (found.name, found.label) == ("firstName", "First name")


def test_labels_are_in_the_active_language():
    from django.contrib.auth.models import User

    class UserIn(ModelSchema):
        class Meta:
            model = User
            fields = ["first_name"]

    assert fields(UserIn)["first_name"].label == "First name"
    with override("de"):
        assert fields(UserIn)["first_name"].label == "Vorname"


def test_a_schema_without_fields_of_its_own_has_no_form():
    with pytest.raises(TypeError, match="has no fields, so it has no form"):
        describe(RootModel[list[int]])

    class Nothing(BaseModel):
        pass

    assert describe(Nothing).fields == ()


def test_a_name_that_the_form_does_not_have():
    with pytest.raises(KeyError):
        describe(Order).field("nonsense")


@pytest.mark.once
@pytest.mark.exhaustive
def test_ten_thousand_fields():
    big = create_model("Big", **{f"field_{n}": (int, 0) for n in range(10_000)})  # type: ignore[call-overload]
    began = time.process_time()
    assert len(describe(big).fields) == 10_000
    assert time.process_time() - began < 20


# ---- relations of an API ------------------------------------------------------------------------------------------------


class AuthorShown(ModelSchema):
    class Meta:
        model = Author
        fields = ["id", "name"]


class TagOut(ModelSchema):
    class Meta:
        model = Tag
        fields = ["id", "name"]


@api_controller("/authors", auto_import=False)
class AuthorController(CrudController[Author]):
    fields = ("id", "name")
    search = ("name",)
    verbs = ALL


def test_a_relation_names_the_list_of_the_api_that_shows_its_objects():
    api = MattAPI(urls_namespace="forms-relations")
    api.register_controllers(AuthorController)

    @api.get("/tags", response=list[TagOut])
    def tags(request):
        return Tag.objects.all()

    @api.get("/tags/of/{author}", response=list[TagOut])
    def tags_of(request, author: int):
        return Tag.objects.all()

    form = describe(BookIn, api=api)
    assert form.field("author_id").relation == Relation(
        model="project.author", url="/authors", search="search", value="id", label="name"
    )
    assert form.field("tags").relation == Relation(
        model="project.tag", many=True, url="/tags", value="id", label="name"
    )


def test_a_relation_without_a_list_has_no_url():
    api = NinjaAPI(urls_namespace="forms-none")

    @api.get("/authors/{author_id}", response=AuthorShown)
    def author(request, author_id: int):
        return Author.objects.get(pk=author_id)

    @api.get("/hidden", response=list[AuthorShown], include_in_schema=False)
    def hidden(request):
        return Author.objects.all()

    @api.get("/of", response=list[AuthorShown])
    def of(request, country: str):
        return Author.objects.all()

    relation = describe(BookIn, api=api).field("author_id").relation
    assert relation == Relation(model="project.author")


def test_the_schemas_of_a_crud_controller_are_forms():
    @api_controller("/books", auto_import=False)
    class BookController(CrudController[Book]):
        fields = ("id", "title", "author", "price", "tags")

    api = MattAPI(urls_namespace="forms-crud")
    api.register_controllers(BookController, AuthorController)
    bodies: dict[str, Any] = {
        each.name: next(iter(each.request_models["body"].model_fields.values())).annotation
        for each in api.operations()
        if "body" in each.request_models and each.controller is BookController
    }
    create, change = describe(bodies["create"], api=api), describe(bodies["change"], api=api)
    assert [each.name for each in create.fields] == ["title", "author_id", "price", "tags"]
    assert create.title == "Book"
    assert create.help == ""
    assert create.field("price").default == "1.00"
    assert create.field("author_id").label == "Author"
    relation = create.field("author_id").relation
    assert relation is not None
    assert relation.url == "/authors"
    assert not any(each.required or each.has_default for each in change.fields)
    assert not change.field("title").nullable


def test_a_column_with_another_key_is_referred_to_by_it():
    class Country(models.Model):
        code = models.CharField(max_length=2, unique=True)

        class Meta:
            app_label = "project"
            managed = False

    class City(models.Model):
        country = models.ForeignKey(Country, models.DO_NOTHING, to_field="code", related_name="+")

        class Meta:
            app_label = "project"
            managed = False

    class CityIn(ModelSchema):
        class Meta:
            model = City
            fields = ["country"]

    (found,) = describe(CityIn).fields
    assert found.relation == Relation(model="project.country", value="code")
