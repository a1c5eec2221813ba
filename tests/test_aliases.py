"""Type aliases of lists, and fields with several names, in queries, forms and headers."""

from typing import Annotated, Any, TypeVar

import pytest
from pydantic import AliasChoices, AliasPath, Field
from typing_extensions import TypeAliasType

from django_matt import Body, FilterSchema, Form, Header, MattAPI, Query, Schema
from tests.test_parameters import add, post, send

T = TypeVar("T")
Ids = TypeAliasType("Ids", list[int])
Again = TypeAliasType("Again", Ids)
Perhaps = TypeAliasType("Perhaps", list[int] | None)
Few = TypeAliasType("Few", Annotated[list[int], Field(max_length=2)])
Many = TypeAliasType("Many", list[T], type_params=(T,))
Number = TypeAliasType("Number", int)


class Filters(FilterSchema):
    ids: Ids = []
    or_none: Ids | None = None
    again: Again = []
    perhaps: Perhaps = None
    few: Few = []
    many: Many[int] = []
    number: Number = 0


class Item(Schema):
    number: Number


Items = TypeAliasType("Items", list[Item])


@pytest.fixture(params=["sync", "async"])
def mode(request):
    return request.param


class TestTypeAliasesOfLists:
    @pytest.mark.parametrize("name", ["ids", "or_none", "again", "perhaps", "few", "many"])
    @pytest.mark.parametrize("source", [Query, Form])
    def test_a_field_of_a_schema_is_a_list(self, serve, mode, source, name):
        api = MattAPI()
        add(api, mode, Annotated[Filters, source(...)], "get" if source is Query else "post")
        method = "get" if source is Query else "post"
        got = send(serve(api), mode, method, "/api/it", data={name: [1, 2], "number": 3})
        assert got.json()["got"][name] == [1, 2]
        assert got.json()["got"]["number"] == 3

    @pytest.mark.parametrize("alias", [Ids, Ids | None, Again, Perhaps, Few, Many[int]])
    def test_a_parameter_is_a_list(self, serve, mode, alias):
        api = MattAPI()
        add(api, mode, Annotated[alias, Query()], "get")
        client = serve(api)
        assert send(client, mode, "get", "/api/it?value=1&value=2").json() == {"got": [1, 2]}
        assert send(client, mode, "get", "/api/it?value=x").status_code == 422

    def test_the_bounds_of_an_alias_apply(self, serve):
        api = MattAPI()
        add(api, "sync", Query[Filters], "get")
        client = serve(api)
        assert client.get("/api/it?few=1&few=2&few=3").status_code == 422
        assert client.get(f"/api/it?ids={2**63}").status_code == 422

    @pytest.mark.parametrize("alias", [Items, Annotated[Items, Body()]])
    def test_a_list_of_schemas_is_a_body(self, serve: Any, alias: Any) -> None:
        api = MattAPI()

        @api.post("/it")
        def it(request, value: alias):
            return {"got": [item.number for item in value]}

        assert post(serve(api), "sync", [{"number": 1}]).json() == {"got": [1]}

    def test_the_document_names_the_parameters(self, serve):
        api = MattAPI()
        add(api, "sync", Query[Filters], "get")
        document = serve(api).get("/api/openapi.json").json()
        parameters = document["paths"]["/api/it"]["get"]["parameters"]
        kinds = {found["name"]: found["schema"].get("type") for found in parameters}
        assert list(kinds) == list(Filters.model_fields)
        assert (kinds["ids"], kinds["few"], kinds["number"]) == ("array", "array", "integer")


class Choices(Schema):
    one: int = Field(0, validation_alias=AliasChoices("first", "one", "uno"))
    rows: list[int] = Field([], validation_alias=AliasChoices("rows", "rows[]"))
    second: int = Field(0, validation_alias=AliasPath("pair", 1))
    either: int = Field(0, validation_alias=AliasChoices("either", AliasPath("pair", 0)))
    only: int = Field(0, validation_alias="alone")


CASES = [
    ({"first": 1}, {"one": 1}),
    ({"one": 1}, {"one": 1}),
    ({"uno": 1}, {"one": 1}),
    ({"uno": 1, "first": 2}, {"one": 2}),
    ({"rows": [1, 2]}, {"rows": [1, 2]}),
    ({"rows[]": [1, 2]}, {"rows": [1, 2]}),
    ({"pair": [1, 2]}, {"second": 2, "either": 1}),
    ({"pair": [1]}, {"either": 1}),
    ({"alone": 1}, {"only": 1}),
]


class TestFieldsWithSeveralNames:
    @pytest.mark.parametrize(("sent", "read"), CASES)
    @pytest.mark.parametrize("source", [Query, Form, Body])
    def test_each_name_is_read_as_in_a_body(self, serve, mode, source, sent, read):
        api = MattAPI()
        add(api, mode, Annotated[Choices, source(...)], "get" if source is Query else "post")
        client = serve(api)
        if source is Body:
            answer = post(client, mode, sent)
        else:
            method = "get" if source is Query else "post"
            answer = send(client, mode, method, "/api/it", data=sent)
        assert answer.json()["got"] == Choices.model_validate({}).dict() | read

    @pytest.mark.parametrize("name", ["First", "One", "uno"])
    def test_headers_have_each_name(self, serve, mode, name):
        api = MattAPI()
        add(api, mode, Header[Choices], "get")
        answer = send(serve(api), mode, "get", "/api/it", headers={name: "1"})
        assert answer.json()["got"]["one"] == 1

    def test_a_parameter_has_each_name(self, serve, mode):
        api = MattAPI()
        names = AliasChoices("value", "v[]")
        add(api, mode, Annotated[list[int], Query(validation_alias=names)], "get")
        client = serve(api)
        for name in ("value", "v[]"):
            answer = send(client, mode, "get", "/api/it", data={name: [1, 2]})
            assert answer.json() == {"got": [1, 2]}

    def test_an_error_names_what_was_sent(self, serve):
        api = MattAPI()
        add(api, "sync", Query[Choices], "get")
        answer = serve(api).get("/api/it?uno=x")
        assert answer.json()["detail"][0]["loc"] == ["query", "uno"]
