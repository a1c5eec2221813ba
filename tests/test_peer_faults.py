"""The faults of the peers (found by attacking them), each shown on NinjaExtraAPI and repaired on MattAPI."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from ninja.pagination import LimitOffsetPagination
from ninja.pagination import paginate as ninja_paginate
from ninja.throttling import AnonRateThrottle
from ninja_extra import NinjaExtraAPI
from ninja_extra.pagination import PageNumberPaginationExtra, PaginatedResponseSchema

from django_matt import (
    ControllerBase,
    MattAPI,
    ModelSchema,
    Schema,
    api_controller,
    http_get,
    ordering,
    paginate,
    searching,
)
from tests.project.models import Everything

pytestmark = pytest.mark.django_db

repaired = pytest.mark.parametrize(
    "api_class", [MattAPI, pytest.param(NinjaExtraAPI, marks=pytest.mark.xfail(reason="the fault"))]
)


class UserOut(Schema):
    username: str


class GroupIn(ModelSchema):
    class Meta:
        model = Group
        fields = ["name"]


@pytest.fixture
def users():
    return [User.objects.create(username=f"user{n}", password=f"hash{9 - n}") for n in range(3)]


def posting(client: Any, data: Any, path: str = "/api/it") -> Any:
    return client.post(path, json.dumps(data), content_type="application/json")


@repaired
@pytest.mark.parametrize("query", ["limit=1000000000", f"limit={2**63}", f"offset={2**63}"])
def test_a_page_has_a_largest_size_and_place(serve, users, api_class, query):
    api = api_class()

    @api.get("/it", response=list[UserOut])
    @ninja_paginate(LimitOffsetPagination)
    def it(request):
        return User.objects.all()

    client = serve(api)
    assert client.get("/api/it?limit=2").json()["count"] == 3
    assert client.get(f"/api/it?{query}").status_code == 422


def test_a_paginator_with_a_cap_of_its_own_still_clamps(serve, users):
    api = MattAPI()

    @api.get("/it", response=PaginatedResponseSchema[UserOut])
    @paginate(PageNumberPaginationExtra, page_size=2, max_page_size=2)
    def it(request):
        return User.objects.order_by("pk")

    answer = serve(api).get("/api/it").json()
    assert (answer["count"], len(answer["results"])) == (3, 2)


@repaired
def test_a_port_that_no_link_can_carry_is_the_clients_fault(serve, users, api_class):
    api = api_class()

    @api.get("/it", response=PaginatedResponseSchema[UserOut])
    @paginate(PageNumberPaginationExtra, page_size=2)
    def it(request):
        return User.objects.order_by("pk")

    assert serve(api).get("/api/it", headers={"host": "localhost:99999999"}).status_code == 400


@repaired
@pytest.mark.parametrize("column", ["password", "-password"])
def test_a_bare_ordering_sorts_by_no_hidden_column(serve, users, api_class, column):
    api = api_class()

    @api.get("/it", response=list[UserOut])
    @ordering
    def it(request):
        return User.objects.order_by("pk")

    client = serve(api)
    names = [row["username"] for row in client.get("/api/it?ordering=-username").json()]
    assert names == ["user2", "user1", "user0"]
    plain, sorted_ = client.get("/api/it").json(), client.get(f"/api/it?ordering={column}").json()
    assert plain == sorted_ or column == "-password"
    other = "password" if column == "-password" else "-password"
    assert sorted_ == client.get(f"/api/it?ordering={other}").json()


@repaired
@pytest.mark.parametrize("search", ["(", "a" * 2 + "(?P<", " ".join(["word"] * 1_500), "(a+)+$"])
def test_a_search_is_a_short_valid_expression(serve, users, api_class, search):
    @api_controller("/it")
    class It(ControllerBase):
        @http_get("", response=list[UserOut])
        @searching(search_fields=["$username"])
        def it(self):
            return User.objects.all()

    api = api_class()
    api.register_controllers(It)
    client = serve(api)
    assert len(client.get("/api/it?search=user[01]").json()) == 2
    assert client.get("/api/it", {"search": search}).status_code == 422


@repaired
def test_a_varying_forwarded_for_escapes_no_throttle(serve, api_class):
    cache.clear()
    api = api_class(throttle=AnonRateThrottle("2/m"))

    @api.get("/it")
    def it(request):
        return {}

    client = serve(api)
    codes = [
        client.get("/api/it", headers={"x-forwarded-for": f"10.0.0.{n}"}).status_code
        for n in range(4)
    ]
    assert codes == [200, 200, 429, 429]


@repaired
def test_a_unique_violation_is_a_conflict(serve, api_class):
    api = api_class()

    @api.post("/it")
    def it(request, body: GroupIn):
        return {"pk": Group.objects.create(**body.dict()).pk}

    client = serve(api)
    assert posting(client, {"name": "a"}).status_code == 200
    assert posting(client, {"name": "a"}).status_code == 409


@repaired
def test_a_decimal_with_more_digits_than_its_column_is_stored_nowhere(serve, api_class):
    class DecimalIn(ModelSchema):
        class Meta:
            model = Everything
            fields = ["decimal"]

    field = Everything._meta.get_field("decimal")
    digits = field.max_digits - field.decimal_places
    api = api_class()

    @api.post("/it")
    def it(request, body: DecimalIn):
        return {"got": str(body.decimal)}

    client = serve(api)
    assert posting(client, {"decimal": "1.5"}).json() == {"got": "1.5"}
    assert posting(client, {"decimal": "9" * (digits + 1)}).status_code == 422
    assert posting(client, {"decimal": "0." + "1" * (field.decimal_places + 1)}).status_code == 422


@repaired
def test_a_moment_outside_the_years_of_utc_is_refused(serve, api_class):
    from datetime import datetime

    class Moment(Schema):
        at: datetime

    api = api_class()

    @api.post("/it")
    def it(request, body: Moment):
        return {}

    client = serve(api)
    assert posting(client, {"at": "9999-12-31T23:59:59Z"}).status_code == 200
    for moment in ("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"):
        assert posting(client, {"at": moment}).status_code == 422


@repaired
@pytest.mark.parametrize("value", [None, [], {}, [None], ["x"], [2**70]])
def test_a_many_to_many_takes_keys_only(serve, api_class, value):
    class UserIn(ModelSchema):
        class Meta:
            model = User
            fields = ["groups"]

    api = api_class()

    @api.post("/it")
    def it(request, body: UserIn):
        return {"groups": body.groups}

    answer = posting(serve(api), {"groups": value})
    assert answer.status_code == (200 if value == [] else 422)
    assert api_class is MattAPI or value not in ([], {}, ["x"], None), "no fault for this value"


def test_numbers_keep_their_digits(serve):
    class Amount(Schema):
        amount: Decimal

    api = MattAPI()

    @api.post("/it", response=Amount)
    def it(request, body: Amount):
        return body

    assert posting(serve(api), {"amount": "10.50"}).json() == {"amount": "10.50"}
