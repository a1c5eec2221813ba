"""Ranges and arrays in schemas: read and written over HTTP, by every tier alike, and refused where they are wrong."""

import datetime
import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.postgres import fields as pg
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.range import Range

from django_matt import ModelSchema, Schema
from django_matt.contrib.postgres.ranges import DateRange, IntegerRange
from django_matt.tiers import Tiers
from tests.serialization.conftest import ENCODERS, operation, parse, plan_of

from .conftest import caller, new_api, postgres

pytestmark = [postgres, pytest.mark.django_db(transaction=True)]
ROWS_OF = ("numbers", "big", "prices", "days", "booked", "ids", "names", "at", "costs", "grid")
NAMES = ("numbers", "big", "prices", "days", "booked")


@pytest.fixture
def stays(make_table: Any) -> Any:
    class Stay(models.Model):
        numbers = pg.IntegerRangeField(null=True, blank=True)
        big = pg.BigIntegerRangeField(null=True, blank=True)
        prices = pg.DecimalRangeField(null=True, blank=True)
        days = pg.DateRangeField(null=True, blank=True)
        booked = pg.DateTimeRangeField(null=True, blank=True)
        ids = pg.ArrayField(models.IntegerField(), default=list)
        names = pg.ArrayField(models.CharField(max_length=9), default=list)
        at = pg.ArrayField(models.DateTimeField(null=True), default=list)
        costs = pg.ArrayField(models.DecimalField(max_digits=9, decimal_places=2), default=list)
        grid = pg.ArrayField(pg.ArrayField(models.FloatField()), default=list)

        class Meta:
            app_label = "project"

    return make_table(Stay)


def schema_of(model: Any, name: str, *fields: str) -> Any:
    meta = {"model": model, "fields": list(fields) or "__all__", "__qualname__": f"{name}.Meta"}
    body = {"Meta": type("Meta", (), meta), "__module__": __name__, "__qualname__": name}
    return type(name, (ModelSchema,), body)


def serve_stays(serve: Any, stays: Any, kind: str) -> Any:
    api, row = new_api(), schema_of(stays, "StayRow")
    body = schema_of(stays, "StayIn", *NAMES)

    if kind == "sync":

        @api.post("/it", response=row)
        def add(request, stay: body):  # type: ignore[valid-type]
            return stays.objects.create(**stay.dict())
    else:

        @api.post("/it", response=row)
        async def add(request, stay: body):  # type: ignore[valid-type]
            return await stays.objects.acreate(**stay.dict())

    @api.get("/it", response=list[row])  # type: ignore[valid-type]
    def everything(request):
        return stays.objects.order_by("id")

    return serve(api)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_range_is_stored_and_returned_as_the_same_object(serve, stays, kind):
    client = serve_stays(serve, stays, kind)
    sent = {
        "numbers": {"lower": 1, "upper": 10, "bounds": "[)"},
        "big": {"lower": None, "upper": 2**40, "bounds": "()"},
        "prices": {"lower": "1.50", "upper": "2.25", "bounds": "[]"},
        "days": "[2026-01-01,2026-02-01)",
        "booked": {"lower": "2026-01-01T10:00:00Z", "upper": None},
    }
    call = caller(client, kind)
    answer = call("post", "/api/it", data=json.dumps(sent), content_type="application/json")
    assert answer.status_code == 200, answer.content
    expected = {
        **sent,
        "days": {"lower": "2026-01-01", "upper": "2026-02-01", "bounds": "[)"},
        "booked": {"lower": "2026-01-01T10:00:00Z", "upper": None, "bounds": "[)"},
    }
    assert {name: answer.json()[name] for name in NAMES} == expected
    listed = client.get("/api/it").json()
    assert {name: listed[0][name] for name in NAMES} == expected
    stored = stays.objects.get()
    assert stored.numbers == Range(1, 10)
    assert stored.prices == Range(Decimal("1.50"), Decimal("2.25"), "[]")


WRONG: list[tuple[str, Any, str]] = [
    ("numbers", {"lower": 2, "upper": 1}, "range_order"),
    ("numbers", "[2,1)", "range_order"),
    ("numbers", {"lower": 1, "upper": 2, "bounds": "<>"}, "literal_error"),
    ("numbers", {"lower": "x"}, "int_parsing"),
    ("numbers", {"lower": 2**31}, "less_than_equal"),
    ("numbers", {"upper": 2**31 - 1, "bounds": "[]"}, "range_limit"),
    ("numbers", {"lower": 2**31 - 1, "bounds": "()"}, "range_limit"),
    ("numbers", {"lower": 1, "bounds": ""}, "range_empty"),
    ("numbers", "1-2", "range_text"),
    ("numbers", "[1,2,3)", "range_text"),
    ("numbers", [1, 2], "model_attributes_type"),
    ("big", {"lower": 2**63}, "less_than_equal"),
    ("big", {"upper": 2**63 - 1, "bounds": "[]"}, "range_limit"),
    ("prices", {"lower": "NaN"}, "finite_number"),
    ("days", {"lower": "2026-02-30"}, "date_from_datetime_parsing"),
    ("days", {"upper": "9999-12-31", "bounds": "[]"}, "range_limit"),
    ("days", "[2026-01-01\u0000,)", "date_from_datetime_parsing"),
    ("booked", {"lower": "2026-01-02T00:00:00", "upper": "2026-01-01T00:00:00Z"}, "range_order"),
    ("booked", {"lower": "9999-12-31T23:59:59-10:00"}, "datetime_out_of_range"),
]


def test_a_wrong_range_is_refused_by_name(serve, stays):
    client = serve_stays(serve, stays, "sync")
    for name, value, kind in WRONG:
        answer = client.post("/api/it", json.dumps({name: value}), content_type="application/json")
        assert answer.status_code in (400, 422), (name, value, answer.content)
        if "\u0000" not in str(value):
            assert answer.json()["detail"][0]["type"] == kind, (name, value, answer.json())
            assert name in answer.json()["detail"][0]["loc"]
    assert not stays.objects.exists()


def test_a_naive_end_that_no_later_query_could_read_is_refused(serve, stays):
    client = serve_stays(serve, stays, "sync")
    with timezone.override("America/Chicago"):
        answer = client.post(
            "/api/it",
            json.dumps({"booked": {"upper": "9999-12-31T23:59:59"}}),
            content_type="application/json",
        )
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"][0]["type"] == "datetime_out_of_range"
    assert not stays.objects.exists()


def test_the_document_describes_what_is_sent_and_what_is_returned(serve, stays):
    document = serve_stays(serve, stays, "sync").get("/api/openapi.json").json()
    found = {
        name.rstrip("0123456789"): each["properties"]
        for name, each in document["components"]["schemas"].items()
        if "properties" in each
    }
    sent, returned = (json.dumps(found[name]["numbers"]) for name in ("StayIn", "StayRow"))
    assert '"pattern"' in sent
    assert '"pattern"' not in returned
    assert '"bounds"' in returned


RANGE: Any = Range


def ranges_of(items: Any, *, discrete: bool) -> Any:
    bounds = ["[)"] if discrete else ["[)", "(]", "()", "[]"]
    return (
        st.none()
        | st.builds(
            lambda pair, kind: RANGE(*sorted(pair), kind),
            st.tuples(items, items).filter(lambda pair: pair[0] != pair[1]),
            st.sampled_from(bounds),
        )
        | st.just(Range(empty=True))
        | st.builds(Range, items, st.none())
    )


DATES = st.dates(datetime.date(1, 1, 1), datetime.date(9999, 12, 30))
MOMENTS = st.datetimes(
    datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=st.just(datetime.UTC)
)
DECIMALS = st.decimals(-99999, 99999, places=2)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
ROWS = st.fixed_dictionaries(
    {
        "numbers": ranges_of(st.integers(-(2**31), 2**31 - 1), discrete=True),
        "big": ranges_of(st.integers(-(2**63), 2**63 - 1), discrete=True),
        "prices": ranges_of(DECIMALS, discrete=False),
        "days": ranges_of(DATES, discrete=True),
        "booked": ranges_of(MOMENTS, discrete=False),
        "ids": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
        "names": st.lists(TEXTS, max_size=3),
        "at": st.lists(MOMENTS | st.none(), max_size=3),
        "costs": st.lists(DECIMALS, max_size=3),
        "grid": st.lists(
            st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
            max_size=2,
        ),
    }
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_rows_instances_and_ninja_write_the_same(stays, rows):
    stays.objects.all().delete()
    stays.objects.bulk_create([stays(**row) for row in rows])
    made = operation(list[schema_of(stays, "StayRow", *ROWS_OF)])
    queryset = stays.objects.order_by("id")
    expected = made._result_to_response(HttpRequest(), queryset.all(), HttpResponse()).content
    for encoder in ENCODERS.values():
        plan = plan_of(made.response_models[200], encoder)
        assert plan.tier == "instances", plan.reason
        body, tier, reason = Tiers(plan).encode(queryset.all())
        assert tier == "rows", reason
        assert json.loads(body) == parse(expected)
        assert json.loads(plan.encode(list(queryset.all()))) == parse(expected)


def test_an_annotated_array_beside_a_key_has_numbers_in_it(stays):
    stay = stays.objects.create(ids=[1, 2], numbers=Range(1, 3))

    class StayKeys(Schema):
        id: int
        keys: list[Any]
        whatever: Any

    queryset = stays.objects.annotate(keys=models.F("ids"), whatever=models.F("ids"))
    for encoder in ENCODERS.values():
        plan = plan_of(operation(list[StayKeys]).response_models[200], encoder)
        body, tier, reason = Tiers(plan).encode(queryset.all())
        expected = [{"id": stay.pk, "keys": [1, 2], "whatever": [1, 2]}]
        assert (json.loads(body), tier) == (expected, "rows"), reason


def test_every_format_writes_the_object(serve, stays):
    stays.objects.create(numbers=Range(1, 5))
    api, row = new_api(), schema_of(stays, "StayFormats", "numbers")

    @api.get("/it", response=list[row])  # type: ignore[valid-type]
    def everything(request):
        return stays.objects.all()

    client = serve(api)
    for accept in ("application/yaml", "application/xml", "text/csv", "application/jsonl"):
        answer = client.get("/api/it", headers={"Accept": accept})
        assert answer.status_code == 200, (accept, answer.content)
        body = answer.getvalue() if answer.streaming else answer.content
        assert b"lower" in body, (accept, body)


def test_a_range_that_is_declared_by_hand_works_too(serve):
    class Plan(Schema):
        days: DateRange
        numbers: IntegerRange | None = None

    api = new_api()

    @api.post("/it", response=Plan)
    def echo(request, plan: Plan):
        assert isinstance(plan.days, Range)
        return plan

    body = json.dumps({"days": {"lower": "2026-01-01", "upper": "2026-01-02"}})
    answer = serve(api).post("/api/it", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "days": {"lower": "2026-01-01", "upper": "2026-01-02", "bounds": "[)"},
        "numbers": None,
    }
