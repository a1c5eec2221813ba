"""Ninja Extra's model controllers over a table with JSON columns and dates that set themselves."""

from typing import Any

import pytest
from ninja_extra import ModelConfig, ModelControllerBase, ModelService
from pydantic import BaseModel

from django_matt import MattAPI, Schema, api_controller
from tests.project.models import Stamped
from tests.test_parameters import post, send

pytestmark = [
    pytest.mark.django_db,
    # ninja-schema's own.
    pytest.mark.filterwarnings("ignore:Support for class-based `config`:DeprecationWarning"),
]


@pytest.fixture(params=["sync", "async"])
def mode(request):
    return request.param


def register(api: MattAPI, *, prefix: str = "/rows", **options: Any) -> ModelConfig:
    config = ModelConfig(model=Stamped, **options)

    class Rows(ModelControllerBase):
        model_config = config

    api.register_controllers(api_controller(prefix)(Rows))
    return config


@pytest.fixture
def client(serve, mode):
    api = MattAPI()
    register(api, async_routes=mode == "async")
    return serve(api)


JSON = [{"a": [1, None]}, [1, 2], 1.5, True, "word", None]


class TestJSONColumns:
    @pytest.mark.parametrize("value", JSON)
    def test_a_row_is_read_alone_and_in_a_list(self, client, mode, value):
        row = Stamped.objects.create(title="a", extra=value)
        one = send(client, mode, "get", f"/api/rows/{row.pk}")
        assert (one.status_code, one.json()["extra"]) == (200, value)
        page = send(client, mode, "get", "/api/rows/").json()
        assert [item["extra"] for item in page["results"]] == [value]

    @pytest.mark.parametrize("value", JSON)
    def test_any_json_is_written(self, client, mode, value):
        answer = post(client, mode, {"title": "a", "data": {}, "extra": value}, "/api/rows/")
        assert (answer.status_code, answer.json()["extra"]) == (201, value)
        assert Stamped.objects.get().extra == value

    def test_a_text_of_json_is_still_read_as_json(self, client, mode):
        """It is all that the generated schema takes."""
        answer = post(client, mode, {"title": "a", "data": '{"x": 1}'}, "/api/rows/")
        assert answer.json()["data"] == {"x": 1}


class TestDatesThatSetThemselves:
    def test_they_need_not_be_sent(self, client, mode):
        answer = post(client, mode, {"title": "a"}, "/api/rows/")
        assert answer.status_code == 201, answer.content
        assert None not in [answer.json()[name] for name in ("made", "day", "changed")]

    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_an_update_leaves_them(self, client, mode, method):
        row = Stamped.objects.create(title="a")
        answer = send(
            client,
            mode,
            method,
            f"/api/rows/{row.pk}",
            data='{"title": "b"}',
            content_type="application/json",
        )
        assert answer.status_code == 200, answer.content
        found = Stamped.objects.get()
        assert (found.title, found.made) == ("b", row.made)
        assert found.changed > row.changed

    def test_null_is_refused(self, client, mode):
        assert post(client, mode, {"title": "a", "made": None}, "/api/rows/").status_code == 422

    def test_the_document_does_not_require_them(self, client):
        schemas = client.get("/api/openapi.json").json()["components"]["schemas"]
        (name,) = (found for found in schemas if found.startswith("StampedCreate"))
        assert schemas[name]["required"] == ["title"]


def test_a_schema_of_the_users_own_stays_as_it_is(serve):
    class Mine(Schema):
        title: str
        data: str

    before = {name: field.annotation for name, field in Mine.model_fields.items()}
    api = MattAPI()
    config = register(api, create_schema=Mine)
    serve(api)
    assert config.create_schema is Mine
    assert {name: field.annotation for name, field in Mine.model_fields.items()} == before


def test_a_prefix_with_parameters_that_name_their_type_is_read(serve):
    seen: list[Any] = []

    class Service(ModelService[Any]):
        def create(self, schema: BaseModel, **kwargs: Any) -> Any:
            seen.append(kwargs)
            return super().create(schema)

    class Rows(ModelControllerBase):
        service_type = Service
        model_config = ModelConfig(model=Stamped)

    api = MattAPI()
    api.register_controllers(api_controller("/{int:owner}/rows")(Rows))
    client = serve(api)
    assert post(client, "sync", {"title": "a"}, "/api/7/rows/").status_code == 201
    assert seen == [{"owner": 7}]
    assert client.get("/api/7/rows/").json()["count"] == 1
