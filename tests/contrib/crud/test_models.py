"""Every model of the tests gets a controller: what the document says can be sent is accepted, and nothing is a 5xx."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db.models import FileField, Model
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from django_matt import MattAPI, api_controller
from django_matt.contrib.crud.controllers import ALL, STANDARD, AsyncCrudController, CrudController
from django_matt.testing.samples import Samples
from tests.project import models

pytestmark = pytest.mark.django_db

JSON: Any = {"content_type": "application/json"}
# A manager that fails without a tenant; a key to a row of any model, and to a table by two columns.
OTHERS = {models.Account, models.Payment, models.Remark, models.Ticket}
MODELS = [
    each
    for each in apps.get_app_config("project").get_models()
    if each not in OTHERS and each._meta.managed
]
HOSTILE: list[Any] = [
    None,
    True,
    -1,
    2**63,
    2**70,
    1e308,
    "",
    "x" * 100_000,
    "\ud800",
    "\0",
    "2026-13-45",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01",
    "NaN",
    "1e400",
    "P9999999D",
    [],
    [[]],
    {},
    {"id": 1},
    [None],
    ["x", 1],
]


def is_written_in_bulk(model: Any) -> bool:
    return len(model._meta.pk_fields) == 1 and not model._meta.parents


def controller_of(model: type[Model], base: Any) -> Any:
    names = [
        field.name
        for field in (*model._meta.concrete_fields, *model._meta.many_to_many)
        if field.name != "binary"
    ]

    class ModelController(base[model]):
        fields = names
        filters = [field.name for field in model._meta.concrete_fields if not isinstance(field, FileField) and field.name != "binary"]  # fmt: skip
        ordering = [name for name in names if name != "tags" and name != "readers" and name != "photos"]  # fmt: skip
        search = [
            f.name
            for f in model._meta.concrete_fields
            if f.get_internal_type() in {"CharField", "TextField"}
        ]
        verbs = ALL if is_written_in_bulk(model) else STANDARD

    return api_controller("/things")(ModelController)


class Served:
    def __init__(self, client: Any) -> None:
        self.client = client
        self.document = client.get("/api/openapi.json").json()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; its response has a schema in the document, unless it is an error."""
        more = {} if body is None else {"data": json.dumps(body), **JSON}
        answer = getattr(self.client, method)(f"/api/things{path}", **more)
        assert answer.status_code < 500, (method, path, str(body)[:200], answer.content[:2000])
        return answer

    def validate(self, answer: Any, name: str, *, many: bool = False) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": self.document["components"]}
        for each in answer.json()["items"] if many else [answer.json()]:
            Draft202012Validator(schema).validate(each)


def related(model: type[Model]) -> dict[str, Any]:
    """Make an object for each relation that a body needs; return their keys by the names of the body."""
    known: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if (
            field.is_relation
            and not field.null
            and not getattr(field.remote_field, "parent_link", False)
        ):
            other: Any = field.related_model
            made = make(other)
            key = getattr(made, field.target_field.attname)
            known[field.attname] = str(key) if isinstance(key, UUID) else key
    return known | {field.name: [] for field in model._meta.many_to_many}


def make(model: Any) -> Any:
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.is_relation and not field.null:
            values[field.attname] = getattr(make(field.related_model), field.target_field.attname)
        elif field.get_internal_type() == "CharField" and not field.has_default():
            values[field.attname] = "made"
        elif field.get_internal_type() == "IntegerField" and not field.has_default():
            values[field.attname] = 1
    return model._base_manager.create(**values)


@pytest.fixture(params=[CrudController, AsyncCrudController], ids=["sync", "async"])
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=MODELS, ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def served(model: Any, base: Any, serve: Any) -> Served:
    api = MattAPI()
    api.register_controllers(controller_of(model, base))
    return Served(serve(api))


def sample(served: Served, model: type[Model], known: dict[str, Any]) -> dict[str, Any]:
    name = f"{model.__name__}In"
    found: Any = Samples(served.document, known).value({"$ref": f"#/components/schemas/{name}"})
    return {**found, **known}


def many_of(model: type[Model]) -> set[str]:
    return {field.name for field in model._meta.many_to_many}


def place_of(model: type[Model], shown: dict[str, Any]) -> str:
    return "".join(f"/{shown[field.attname]}" for field in model._meta.pk_fields)  # type: ignore[attr-defined]


def test_what_the_document_describes_is_accepted_and_answered(served: Served, model: Any):
    body = sample(served, model, related(model))
    made = served.ask("post", "", body)
    assert made.status_code == 201, (body, made.content)
    served.validate(made, f"{model.__name__}Out")
    place = place_of(model, made.json())
    shown = served.ask("get", place)
    assert shown.json() == made.json()
    listed = served.ask("get", "")
    served.validate(listed, f"{model.__name__}Out", many=True)
    assert made.json() in listed.json()["items"]
    assert served.ask("patch", place, {}).status_code == 200
    # What was shown can be sent again, but for the key and what is only read.
    written = served.document["components"]["schemas"][f"{model.__name__}Change"]["properties"]
    again = {name: value for name, value in shown.json().items() if name in written}
    changed = served.ask("patch", place, again)
    assert changed.status_code == 200, (again, changed.content)
    moving = {"changed", *(name for name in shown.json() if name not in written)}
    assert {k: v for k, v in changed.json().items() if k not in moving} == {
        k: v for k, v in shown.json().items() if k not in moving
    }
    if is_written_in_bulk(model):
        key = model._meta.pk.attname
        # Rows have no files and no many-to-many fields.
        known = served.document["components"]["schemas"][f"{model.__name__}ChangeRow"]["properties"]
        row = {key: made.json()[key], **{n: v for n, v in again.items() if n in known}}
        assert served.ask("patch", "/bulk", [row]).status_code == 200, row
    assert served.ask("delete", place).status_code == 204
    if is_written_in_bulk(model):
        row = {name: value for name, value in body.items() if name not in many_of(model)}
        several = served.ask("post", "/bulk", [row])
        assert several.status_code == 201, several.content
        place = place_of(model, several.json()[0])
        assert served.ask("delete", place).status_code == 204
    assert served.ask("get", place).status_code == 404


@pytest.mark.parametrize("base", [CrudController], ids=["sync"])
def test_no_body_and_no_query_is_a_fault(served: Served, model: Any):
    body = sample(served, model, related(model))
    made = served.ask("post", "", body)
    place = place_of(model, made.json())
    schemas = served.document["components"]["schemas"]
    names = [*schemas[f"{model.__name__}In"]["properties"], "nothing"]
    for name in names:
        for value in HOSTILE:
            served.ask("post", "", {**body, name: value})
            served.ask("patch", place, {name: value})
    for value in HOSTILE:
        served.ask("post", "", value)
        served.ask("patch", place, value)
        if is_written_in_bulk(model):
            served.ask("post", "/bulk", [body, value])
            served.ask("patch", "/bulk", [{**made.json(), "nothing": value}])
    operation = served.document["paths"]["/api/things"]["get"]
    for parameter in operation["parameters"]:
        for value in ("", "x", "-1", "1" * 30, "null", "%00", "2026-01-01", "%ED%A0%80", "{}"):
            served.ask("get", f"?{parameter['name']}={value}")
    for key in ("0", "-1", "x", "9" * 40, "%00", "null"):
        path = f"/{key}" * len(model._meta.pk_fields)
        for method in ("get", "delete"):
            served.ask(method, path)
        served.ask("patch", path, {})
