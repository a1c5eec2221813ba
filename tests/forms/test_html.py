"""A schema as an HTML form: it can be used without seeing it, keeps what was typed, and shows nothing unescaped."""

import time
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, Literal
from urllib.parse import urlencode

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.template import Context, Template
from ninja import ModelSchema, UploadedFile
from pydantic import BaseModel, ConfigDict, Field, SecretStr, create_model, model_validator

from django_matt.forms.html import SchemaForm
from tests.project.models import Author, Book, Tag


class Address(BaseModel):
    city: str = Field(max_length=20, description="Where you live.")


class Line(BaseModel):
    sku: str = Field(min_length=1)
    quantity: int = Field(1, ge=1)


class OrderIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"ui": {"label": "An order"}})

    name: str = Field(max_length=10, description="As on the card.", min_length=1)
    password: SecretStr = SecretStr("")
    kind: Literal["small", "large"] = "small"
    is_gift: bool = False
    price: Decimal = Field(Decimal("1.5"), decimal_places=2, max_digits=6, ge=0)
    tags: list[str] = []
    address: Address
    lines: list[Line] = Field([], max_length=3)
    data: dict[str, int] = {}

    @model_validator(mode="after")
    def check(self):
        if self.name == "nobody":
            raise ValueError("nobody orders nothing")
        return self


class BookIn(ModelSchema):
    class Meta:
        model = Book
        fields = ["title", "price", "author", "tags"]


class Elements(HTMLParser):
    """The elements of a page, and whether they fit together."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.found if tag in tags]

    def named(self, name: str) -> dict[str, str | None]:
        return next(each for _, each in self.found if each.get("name") == name)


def bound(data: Any, **options: Any) -> SchemaForm[OrderIn]:
    query = QueryDict(data if isinstance(data, str) else urlencode(data, doseq=True))
    return SchemaForm(OrderIn, query, **options)


VALID = {"name": "Ada", "address.city": "Oslo", "lines.0.sku": "a", "lines.0.quantity": "2"}


def assert_accessible(html: str) -> None:
    page = Elements(html)
    ids = [each["id"] for _, each in page.found if "id" in each]
    assert len(ids) == len(set(ids)), "an id is used twice"
    labelled = {each["for"] for each in page.of("label")}
    for each in page.of("input", "select", "textarea"):
        if each.get("type") != "hidden":
            assert each.get("id") in labelled or each.get("aria-label"), each
    for _, each in page.found:
        for described in (each.get("aria-describedby") or "").split():
            assert described in ids, described
        assert not [name for name in each if name.startswith("on") or name == "style"]
    assert not page.of("script", "style")
    assert len(page.of("fieldset")) == len(page.of("legend"))


def test_a_form_gives_the_instance_of_its_schema():
    form = bound(VALID | {"tags": ["x", "y"], "is_gift": "on", "data": '{"a": 1}'})
    assert form.is_valid()
    assert form.clean() == OrderIn(
        name="Ada",
        address=Address(city="Oslo"),
        lines=[Line(sku="a", quantity=2)],
        tags=["x", "y"],
        is_gift=True,
        data={"a": 1},
    )


def test_a_form_without_data_shows_defaults():
    form = SchemaForm(OrderIn)
    assert not form.is_valid()
    assert form.errors == {}
    with pytest.raises(ValidationError, match="no data"):
        form.clean()
    page = Elements(str(form))
    assert page.named("price")["value"] == "1.5"
    assert page.named("name")["maxlength"] == "10"
    assert "required" in page.named("name")
    assert page.named("name")["aria-describedby"] == "id_name_help"
    assert page.named("price")["min"] in ("0", "0.0")
    assert page.named("price")["step"] == "0.01"
    assert page.named("password")["type"] == "password"
    assert page.named("password")["autocomplete"] == "current-password"
    assert "required" not in page.named("lines.0.sku"), "nobody has to fill in another row"
    assert_accessible(str(form))


def test_errors_are_at_their_fields_and_what_was_typed_stays():
    form = bound(
        {
            "name": "A name that is too long",
            "price": "1.234",
            "address.city": "x" * 30,
            "lines.2.sku": "a",
            "lines.2.quantity": "0",
            "lines.5.sku": "",
            "lines.5.quantity": "many",
            "data": "{",
            "nonsense": "1",
        }
    )
    assert not form.is_valid()
    assert set(form.errors) == {
        *("name", "price", "address.city", "lines.0.quantity"),
        *("lines.1.sku", "lines.1.quantity", "data", ""),
    }
    assert form.form_errors == ["nonsense: Extra inputs are not permitted"]
    html = str(form)
    page = Elements(html)
    assert page.named("name")["value"] == "A name that is too long"
    assert page.named("name")["aria-invalid"] == "true"
    assert page.named("name")["aria-describedby"] == "id_name_help id_name_errors"
    assert page.named("lines.0.quantity")["value"] == "0"
    # A browser would empty a number that is none.
    assert page.named("lines.1.quantity")["type"] == "text"
    assert page.named("lines.1.quantity")["value"] == "many"
    assert form["data"].text == "{"
    assert 'role="alert"' in html
    assert_accessible(html)
    with pytest.raises(ValidationError) as caught:
        form.clean()
    assert "name" in caught.value.message_dict


def test_a_missing_value_and_an_error_of_the_whole_form():
    assert bound({"name": "Ada"}).errors == {"address.city": ["This field is required."]}
    nobody = bound(VALID | {"name": "nobody"})
    assert nobody.form_errors == ["Value error, nobody orders nothing"]


def test_a_password_is_not_sent_back():
    assert "hunter2" not in str(bound(VALID | {"password": "hunter2", "name": ""}))
    assert "hunter2" not in str(SchemaForm(OrderIn, initial={"password": SecretStr("hunter2")}))


@pytest.mark.parametrize(
    "name", ["name", "address.city", "tags", "lines.0.sku", "data", "kind", "price"]
)
def test_hostile_texts_are_escaped(name):
    hostile = "\"><script>alert(1)</script>' onfocus=x {{ form }} </textarea>"
    html = str(bound(VALID | {name: hostile, f"x{hostile}": hostile}))
    assert "<script" not in html
    assert_accessible(html)


def test_hostile_labels_are_escaped():
    hints: Any = {"ui": {"label": "<script>", "help": "<script>", "placeholder": '"><script>'}}
    schema = create_model(
        "Hostile",
        **{
            '<script>" x': (str, Field("<script>", json_schema_extra=hints)),
            "choice": (Literal["<script>", "b"], "b"),
        },
    )  # type: ignore[call-overload]
    html = str(SchemaForm(schema))
    assert "<script" not in html
    assert_accessible(html)


def test_initial_values_of_an_instance_and_of_a_dictionary():
    order = OrderIn(name="Ada", address=Address(city="Oslo"), lines=[Line(sku="a")], tags=["t"])
    for initial in (order, order.model_dump()):
        page = Elements(str(SchemaForm(OrderIn, initial=initial)))
        assert page.named("name")["value"] == "Ada"
        assert page.named("lines.0.sku")["value"] == "a"
        assert [each["value"] for each in page.of("input") if each["name"] == "tags"] == [
            "",
            "t",
            "",
        ]


def test_parts_of_a_form_in_a_template():
    template = Template("{% for field in form %}{{ field.label }};{% endfor %}{{ form.fields.0 }}")
    html = template.render(Context({"form": SchemaForm(OrderIn)}))
    assert html.startswith("Name;Password;Kind;Is gift;Price;Tags;Address;Lines;Data;")
    assert 'name="name"' in html
    with pytest.raises(KeyError):
        SchemaForm(OrderIn)["nonsense"]
    assert SchemaForm(OrderIn)["lines.0.sku"].id == "id_lines.0.sku"
    assert SchemaForm(OrderIn, id_prefix="b")["name"].id == "b_name"


@pytest.mark.parametrize(
    "problem",
    [
        {"errors": [{"pointer": "#/body/lines/0/sku", "detail": "sold out"}]},
        {"detail": [{"loc": ["body", "data", "lines", 0, "sku"], "msg": "sold out"}]},
    ],
)
def test_the_errors_of_an_api_are_shown_at_their_fields(problem):
    form = bound(VALID)
    form.add_problem(problem)
    assert form.errors == {"lines.0.sku": ["sold out"]}
    assert not form.is_valid()


def test_the_detail_of_a_problem_is_an_error_of_the_form():
    form = bound(VALID)
    form.add_problem({"detail": "You may not order."})
    form.add_error("name", "Not you.")
    form.add_error("nonsense", "Never.")
    assert form.errors == {"": ["You may not order.", "Never."], "name": ["Not you."]}


def test_files():
    class Upload(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        one: UploadedFile = Field(json_schema_extra={"ui": {"accept": "image/png"}})

    form = SchemaForm(Upload)
    assert form.is_multipart
    assert Elements(str(form)).named("one")["accept"] == "image/png"
    file = SimpleUploadedFile("a.png", b"a")
    assert SchemaForm(Upload, QueryDict(""), {"one": file}).clean().one.read() == b"a"
    assert not SchemaForm(Upload, QueryDict("one=text"), {}).is_valid()
    assert not bound(VALID).is_multipart


def test_buttons_may_send_their_names():
    assert "" in bound(VALID | {"save": "1"}).errors
    assert bound(VALID | {"save": "1"}, ignore=["save"]).is_valid()


# ---- relations ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_relation_offers_what_the_caller_gives_and_accepts_nothing_else():
    mine, other = Author.objects.create(name="<b>Me"), Author.objects.create(name="Other")
    tag = Tag.objects.create(name="t")
    choices = {"author_id": Author.objects.filter(name__endswith="Me"), "tags": Tag.objects.all()}
    page = Elements(str(SchemaForm(BookIn, choices=choices)))
    assert [each["value"] for each in page.of("option")] == ["", str(mine.pk), str(tag.pk)]
    assert "multiple" in page.named("tags") or page.of("select")[1].get("multiple", "") is None
    data = QueryDict(f"title=x&price=1&author_id={mine.pk}&tags={tag.pk}")
    assert SchemaForm(BookIn, data, choices=choices).is_valid()
    for wrong in (other.pk, tag.pk + 10_000):
        data = QueryDict(f"title=x&price=1&author_id={wrong}&tags={wrong}")
        form = SchemaForm(BookIn, data, choices=choices)
        assert set(form.errors) == {"author_id", "tags"}
    pairs = {"author_id": [(7, "Seven")]}
    assert SchemaForm(BookIn, QueryDict("title=x&price=1&author_id=7"), choices=pairs).is_valid()
    assert not SchemaForm(BookIn, QueryDict("title=x&author_id=8"), choices=pairs).is_valid()


@pytest.mark.django_db
def test_a_relation_without_choices_is_a_key(django_assert_num_queries):
    Author.objects.create(name="secret")
    with django_assert_num_queries(0):
        html = str(SchemaForm(BookIn))
    assert "secret" not in html
    assert Elements(html).named("author_id")["type"] == "number"


@pytest.mark.django_db
def test_initial_values_of_a_model():
    book = Book.objects.create(title="T", author=Author.objects.create(name="A"))
    book.tags.add(Tag.objects.create(name="t"))
    form = SchemaForm(BookIn, initial=book)
    assert form["title"].text == "T"
    assert form["author_id"].text == str(book.author_id)
    assert form["tags"].texts == ["", str(book.tags.get().pk)]
    assert SchemaForm(BookIn, initial=Book(title="new"))["title"].text == "new"


# ---- bounds and hostile posts -------------------------------------------------------------------------------------------


def test_the_bounds_of_columns_hold_here_too():
    query = QueryDict(f"title={'x' * 121}&price=1234567.00&author_id={2**63}")
    assert set(SchemaForm(BookIn, query).errors) == {"title", "price", "author_id"}


@pytest.mark.parametrize(
    "data",
    [
        {f"name{n}": "x" for n in range(10_000)},
        {f"lines.{n}.sku": "" for n in range(10_000)},
        {f"lines.{n}.quantity": "x" for n in range(1_000)},
        VALID | {"nonsense" + ".0" * 50_000: "x"},
        VALID | {"name": "\0"},
        VALID | {"\0": "x"},
        VALID | {"name": ["x", "y"]},
        VALID | {"address.city": "\0"},
    ],
)
def test_hostile_posts_are_refused_and_shown(data):
    began = time.process_time()
    form = SchemaForm(OrderIn, data)
    assert not form.is_valid()
    assert_accessible(str(form))
    assert time.process_time() - began < 10


def test_a_wrong_encoding_is_text():
    query = QueryDict(b"name=%ff%fe&address.city=%E0%A4%A", encoding="utf-8")
    assert SchemaForm(OrderIn, query).clean().name == "\ufffd\ufffd"
