"""Values that a column cannot hold are refused by name, whatever the schema says; what is refused is documented."""

import datetime
import json
import zoneinfo
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField, HStoreField
from django.db import connection, models
from django.test.utils import isolate_apps
from ninja import FilterSchema, PatchDict
from ninja.orm import create_schema

from django_matt import Form, MattAPI, ModelSchema, Path, Query, Schema
from tests.project.models import Everything

postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="a type of PostgreSQL")


def post(client: Any, data: Any, path: str = "/api/it") -> Any:
    return client.post(path, json.dumps(data), content_type="application/json")


def first_error(answer: Any) -> tuple[Any, str]:
    assert answer.status_code == 422, (answer.status_code, answer.content)
    error = answer.json()["detail"][0]
    return tuple(error["loc"][2:]), error["type"]


@pytest.fixture
def shelf():
    """A table of arrays, which only PostgreSQL knows: made for one test."""
    with isolate_apps("tests.project"):

        class Shelf(models.Model):
            ints = ArrayField(models.SmallIntegerField(), default=list)
            maybe = ArrayField(models.IntegerField(null=True), default=list)
            words = ArrayField(models.CharField(max_length=4), default=list, size=3)
            kinds = ArrayField(
                models.CharField(max_length=9, choices=[("a", "A"), ("b", "B")]), default=list
            )
            grid = ArrayField(ArrayField(models.IntegerField(), size=2), default=list)
            prices = ArrayField(models.DecimalField(max_digits=4, decimal_places=1), default=list)
            days = ArrayField(models.DateField(), null=True)
            hosts = ArrayField(models.GenericIPAddressField(), default=list)

            class Meta:
                app_label = "project"

        with connection.schema_editor() as editor:
            editor.create_model(Shelf)
        yield Shelf
        with connection.schema_editor() as editor:
            editor.delete_model(Shelf)


def serve_model(serve: Any, model: Any, schema: Any, *, is_async: bool = False) -> Any:
    """Serve a create, and a list whose items are typed as the columns are."""
    api = MattAPI()

    if is_async:

        @api.post("/it", response=schema)
        async def create(request, payload: schema):
            return await model.objects.acreate(**payload.dict())

    else:

        @api.post("/it", response=schema)
        def create(request, payload: schema):
            return model.objects.create(**payload.dict())

    @api.get("/it", response=list[schema])
    def everything(request):
        return model.objects.all()

    return serve(api)


def schema_of(model: Any, made_by: str, **options: Any) -> Any:
    if made_by == "create_schema":
        return create_schema(model, name=f"Of{model.__name__}", **options)
    name = f"By{model.__name__}"
    meta = type("Meta", (), {"model": model, "__qualname__": f"{name}.Meta", **options})
    return type(name, (ModelSchema,), {"Meta": meta, "__module__": __name__, "__qualname__": name})


WRONG_ITEMS: list[tuple[dict[str, Any], tuple[Any, ...], str]] = [
    ({"ints": ["x"]}, ("ints", 0), "int_parsing"),
    ({"ints": [1, [1]]}, ("ints", 1), "int_type"),
    ({"ints": [1, None]}, ("ints", 1), "int_type"),
    ({"ints": [32_768]}, ("ints", 0), "less_than_equal"),
    ({"ints": [-32_769]}, ("ints", 0), "greater_than_equal"),
    ({"ints": 1}, ("ints",), "list_type"),
    ({"maybe": [2**31]}, ("maybe", 0), "less_than_equal"),
    ({"words": ["abcde"]}, ("words", 0), "string_too_long"),
    ({"words": ["", 5]}, ("words", 1), "string_type"),
    ({"words": ["a", "b", "c", "d"]}, ("words",), "too_long"),
    ({"kinds": ["a", "zz"]}, ("kinds", 1), "enum"),
    ({"kinds": [""]}, ("kinds", 0), "enum"),
    ({"kinds": [None]}, ("kinds", 0), "string_type"),
    ({"grid": [1]}, ("grid", 0), "list_type"),
    ({"grid": [[1, "x"]]}, ("grid", 0, 1), "int_parsing"),
    ({"grid": [[1, 2, 3]]}, ("grid", 0), "too_long"),
    ({"grid": [[1], [1, 2]]}, ("grid",), "array_shape"),
    ({"prices": [1.25]}, ("prices", 0), "decimal_max_places"),
    ({"prices": ["1234.5"]}, ("prices", 0), "decimal_max_digits"),
    ({"hosts": ["x"]}, ("hosts", 0), "ip_any_address"),
    ({"days": ["2024-02-30"]}, ("days", 0), "date_from_datetime_parsing"),
]


@postgres
@pytest.mark.django_db
@pytest.mark.parametrize("made_by", ["ModelSchema", "create_schema"])
def test_the_items_of_an_array_are_those_of_its_column(serve, shelf, made_by):
    client = serve_model(serve, shelf, schema_of(shelf, made_by, exclude=["id"]))
    for data, location, kind in WRONG_ITEMS:
        assert first_error(post(client, data)) == (location, kind), data
    assert not shelf.objects.exists()
    right = {
        "ints": [1, "2"],
        "maybe": [None, 3],
        "words": ["", "four"],
        "kinds": ["a", "b"],
        "grid": [[1, 2], [3, 4]],
        "prices": [1.5, "2.5"],
        "days": ["2024-02-29"],
        "hosts": ["10.0.0.1", "::1"],
    }
    assert post(client, right).status_code == 200
    assert post(client, {"days": None, "grid": []}).status_code == 200
    answer = client.get("/api/it")
    assert answer.status_code == 200
    shown = right | {"ints": [1, 2], "prices": ["1.5", "2.5"]}
    assert answer.json()[0] == shown


@postgres
@pytest.mark.django_db
def test_an_array_that_the_schema_types_itself_stays_as_it_says(serve, shelf):
    class Typed(ModelSchema):
        words: list[str]

        class Meta:
            model = shelf
            fields = ["id"]

    client = serve_model(serve, shelf, Typed)
    assert first_error(post(client, {"words": [1]})) == (("words", 0), "string_type")


def schemas_of(client: Any) -> Any:
    return client.get("/api/openapi.json").json()["components"]["schemas"]


def test_arrays_are_documented_with_their_items(serve):
    with isolate_apps("tests.project"):

        class Crate(models.Model):
            words = ArrayField(models.CharField(max_length=4), default=list, size=3)
            kinds = ArrayField(models.CharField(max_length=9, choices=[("a", "A"), ("b", "B")]))
            grid = ArrayField(ArrayField(models.FloatField(null=True)), null=True)
            more = HStoreField(default=dict)

            class Meta:
                app_label = "project"

    client = serve_model(serve, Crate, schema_of(Crate, "ModelSchema", exclude=["id"]))
    schemas = schemas_of(client)
    for name in [name for name in schemas if "Crate" in name]:
        fields = schemas[name]["properties"]
        assert fields["words"]["items"]["type"] == "string"
        assert fields["kinds"]["items"]["enum"] == ["a", "b"]
        (grid,) = [one for one in fields["grid"]["anyOf"] if one["type"] == "array"]
        assert grid["items"]["items"]["anyOf"] == [{"type": "number"}, {"type": "null"}]
        values = fields["more"]["additionalProperties"]
        assert values["anyOf"] == [{"type": "string"}, {"type": "null"}]
    (read,) = {"ByCrate-Input", "ByCrate"} & set(schemas)
    assert schemas[read]["properties"]["words"]["maxItems"] == 3
    assert schemas[read]["properties"]["words"]["items"]["maxLength"] == 4


def test_an_hstore_takes_texts_and_nulls(serve):
    with isolate_apps("tests.project"):

        class Bag(models.Model):
            more = HStoreField()

            class Meta:
                app_label = "project"

    api = MattAPI()
    schema: Any = schema_of(Bag, "ModelSchema", fields=["more"])

    @api.post("/it")
    def it(request, payload: schema):
        return payload.more

    client = serve(api)
    sent = {"more": {"a": "b", "c": None, "d": 5}}
    assert post(client, sent).json() == {"a": "b", "c": None, "d": "5"}
    for wrong in ({"a": {}}, {"a": ["b"]}, ["a"]):
        assert post(client, {"more": wrong}).status_code == 422


class EverythingIn(ModelSchema):
    class Meta:
        model = Everything
        exclude = ["id", "file", "image", "tags", "author"]
        fields_optional = "__all__"


TOO_MUCH: list[tuple[str, Any]] = [
    ("char", "a" * 51),
    ("slug", "a" * 51),
    ("url", "https://example.org/" + "a" * 200),
    ("email", "a" * 250 + "@b.org"),
    ("path", "a" * 101),
    ("time", "12:00:00Z"),
    ("positive", -1),
    ("positive_small", -1),
    ("positive_big", -1),
    ("positive_big", 2**63),
    ("big", 2**63),
    ("big", -(2**63) - 1),
    ("decimal", "123456789.1"),
    ("decimal", "1.12345"),
    ("float", "inf"),
]
if connection.vendor == "postgresql":
    TOO_MUCH += [
        ("integer", 2**31),
        ("small", 2**15),
        ("positive", 2**31),
        ("positive_small", 2**15),
        ("small", -(2**15) - 1),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "value"), TOO_MUCH)
def test_a_value_that_the_column_cannot_hold_is_refused_by_name(serve, name, value):
    api = MattAPI()

    @api.post("/it")
    def create(request, payload: EverythingIn):
        Everything.objects.create(**payload.dict(exclude_unset=True))

    client = serve(api)
    assert first_error(post(client, {name: value}))[0] == (name,)
    assert not Everything.objects.exists()


@pytest.mark.django_db
def test_a_patch_keeps_the_bounds_of_its_schema(serve):
    api = MattAPI()

    @api.patch("/it")
    def change(request, payload: PatchDict[EverythingIn]):
        return sorted(payload)

    client = serve(api)

    def patch(data: Any) -> Any:
        return client.patch("/api/it", json.dumps(data), content_type="application/json")

    assert patch({"char": "a" * 50, "positive": 0}).json() == ["char", "positive"]
    for wrong in ({"char": "a" * 51}, {"slug": "a" * 51}, {"positive": -1}, {"time": "10:00Z"}):
        assert patch(wrong).status_code == 422, wrong


def test_a_patch_keeps_the_bounds_of_required_columns(serve):
    class UserIn(ModelSchema):
        class Meta:
            model = User
            fields = ["username"]

    api = MattAPI()

    @api.patch("/it")
    def change(request, payload: PatchDict[UserIn]):
        return payload

    client = serve(api)
    for length, status in ((150, 200), (151, 422)):
        body = json.dumps({"username": "a" * length})
        answer = client.patch("/api/it", body, content_type="application/json")
        assert answer.status_code == status


@pytest.mark.parametrize("source", ["body", "query"])
def test_what_a_field_is_called_changes_no_bound(serve, source):
    """Names that are words of pydantic's own core schema."""

    class Words(Schema):
        default: int = 0
        function: int = 0
        members: float = 0
        metadata: datetime.timedelta = datetime.timedelta()

    api = MattAPI()

    @api.post("/body")
    def body(request, payload: Words):
        return {}

    @api.get("/query")
    def query(request, payload: Query[Words]):
        return {}

    client = serve(api)
    for data in ({"default": 2**63}, {"function": 2**63}, {"members": "inf"}, {"metadata": 1e13}):
        answer = (
            post(client, data, "/api/body") if source == "body" else client.get("/api/query", data)
        )
        assert answer.status_code == 422, data


# Zones

OSLO = "Europe/Oslo"
SENT = "2024-07-01T10:00:00Z"


class When(FilterSchema):
    moment__gte: datetime.datetime | None = None
    time__gte: datetime.time | None = None


def serve_moments(serve: Any, *, is_async: bool) -> Any:
    api = MattAPI()

    class In(ModelSchema):
        class Meta:
            model = Everything
            fields = ["moment"]

    class Out(ModelSchema):
        class Meta:
            model = Everything
            fields = ["moment"]

    if is_async:

        @api.post("/it", response=Out)
        async def create(request, payload: In):
            return await Everything.objects.acreate(**payload.dict())

        @api.get("/filtered", response=list[Out])
        async def filtered(request, when: Query[When]):
            return [row async for row in when.filter(Everything.objects.all())]

    else:

        @api.post("/it", response=Out)
        def create(request, payload: In):
            return Everything.objects.create(**payload.dict())

        @api.get("/filtered", response=list[Out])
        def filtered(request, when: Query[When]):
            return when.filter(Everything.objects.all())

    @api.get("/since", response=list[Out])
    def since(request, moment: datetime.datetime):
        return Everything.objects.filter(moment__gte=moment)

    @api.get("/since/{moment}", response=list[Out])
    def since_path(request, moment: Path[datetime.datetime]):
        return Everything.objects.filter(moment__gte=moment)

    @api.post("/form", response=Out)
    def form(request, moment: Form[datetime.datetime]):
        return Everything.objects.create(moment=moment)

    return serve(api)


@pytest.fixture
def local_times(settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = OSLO


@pytest.mark.django_db
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_without_time_zones_a_moment_with_one_becomes_local(serve, local_times, is_async):
    client = serve_moments(serve, is_async=is_async)
    local = "2024-07-01T12:00:00"
    assert post(client, {"moment": SENT}).json() == {"moment": local}
    assert post(client, {"moment": local}).json() == {"moment": local}
    assert client.post("/api/form", {"moment": SENT}).json() == {"moment": local}
    assert (
        list(Everything.objects.values_list("moment", flat=True))
        == [datetime.datetime(2024, 7, 1, 12)] * 3
    )
    late = "2024-07-01T10:00:01Z"
    for moment, count in ((SENT, 3), (late, 0), ("2024-07-01T12:00:00+02:00", 3), (local, 3)):
        for answer in (
            client.get("/api/filtered", {"moment__gte": moment}),
            client.get("/api/since", {"moment": moment}),
            client.get(f"/api/since/{moment}"),
        ):
            assert answer.status_code == 200, answer.content
            assert len(answer.json()) == count
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert first_error(post(client, {"moment": moment})) == (
            ("moment",),
            "datetime_out_of_range",
        )


@pytest.mark.django_db
def test_a_schema_that_asks_for_a_zone_keeps_it(serve, local_times):
    from pydantic import AwareDatetime

    api = MattAPI()

    @api.get("/it")
    def it(request, moment: AwareDatetime):
        return moment.tzinfo is not None

    client = serve(api)
    assert client.get("/api/it", {"moment": SENT}).json() is True
    assert client.get("/api/it", {"moment": "2024-07-01T10:00:00"}).status_code == 422


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime:RuntimeWarning")
def test_with_time_zones_a_moment_without_one_is_django_s_as_in_the_peer(serve, settings):
    settings.TIME_ZONE = OSLO
    client = serve_moments(serve, is_async=False)
    assert post(client, {"moment": "2024-07-01T12:00:00"}).status_code == 200
    stored = Everything.objects.get().moment
    assert stored == datetime.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo(OSLO))


@pytest.mark.django_db
def test_a_filter_by_a_time_with_a_zone_is_refused(serve):
    client = serve_moments(serve, is_async=False)
    assert client.get("/api/filtered", {"time__gte": "10:00:00"}).status_code == 200
    answer = client.get("/api/filtered", {"time__gte": "10:00:00Z"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "time__gte"]
