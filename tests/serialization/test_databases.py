"""Rows that came back from a database: what each driver makes of edge values is written as Ninja writes it."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import pytest
from ninja import ModelSchema, NinjaAPI, Schema

from django_matt import MattAPI
from tests.project.models import Everything, Tag
from tests.serialization.conftest import judge

EDGES: dict[str, list[Any]] = {
    "big": [2**63 - 1, -(2**63), 0],
    "boolean": [True, False],
    "maybe": [None, True],
    "char": ["\u2028\x01", "</script>", "é😀"],
    "date": [datetime.date.min, datetime.date.max],
    "moment": [
        datetime.datetime(1, 1, 2, tzinfo=datetime.UTC),
        datetime.datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=datetime.UTC),
        datetime.datetime(2024, 3, 31, 2, 30, 0, 1, tzinfo=datetime.UTC),
    ],
    "decimal": [Decimal("0E-10"), Decimal("-0.0001"), Decimal("99999999.9999")],
    "duration": [datetime.timedelta(microseconds=1), datetime.timedelta(-1, 5, 7)],
    "file": ["", "a b/é.txt"],
    "float": [0.0, -0.0, 1e22, 5e-324, 0.1 + 0.2],
    "address": ["127.0.0.1", "::1", "::ffff:10.0.0.1"],
    "document": [None, {"a": [1, 2.5, None, "é"]}, [], "text", 0],
    "time": [datetime.time.min, datetime.time.max],
    "uuid": [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)],
}


class Out(ModelSchema):
    class Meta:
        model = Everything
        exclude = ["binary"]


@pytest.fixture
def rows(db):
    longest = max(len(values) for values in EDGES.values())
    for index in range(longest):
        row = {name: values[index % len(values)] for name, values in EDGES.items()}
        if row["document"] is None:
            row["document"] = {}
        Everything.objects.create(**row).tags.add(Tag.objects.create(name=f"t{index}"))
    return Everything.objects.order_by("id")


def test_edge_values_that_a_database_gave_back(rows):
    judge(list[Out], rows.prefetch_related("tags"), tier="instances")
    judge(Out, rows[0], tier="instances")
    judge(list[Out], rows, by_alias=True, exclude_none=True, tier="instances")


def test_values_and_deferred_rows(rows):
    class Some(Schema):
        id: int
        decimal: Decimal
        moment: datetime.datetime
        float: float

    judge(list[Some], rows.values("id", "decimal", "moment", "float"))
    judge(list[Some], rows.only("id", "float"), tier="instances")
    judge(list[Some], rows.values("id", "decimal"))


def test_a_list_over_http_is_the_list_that_ninja_gives(rows, serve):
    ours, theirs = MattAPI(urls_namespace="ours"), NinjaAPI(urls_namespace="theirs")
    for api in (ours, theirs):
        api.get("/rows", response=list[Out])(lambda request: rows.all())
    client = serve(ours, "ours/", **{"theirs/": theirs})
    assert client.get("/ours/rows").json() == client.get("/theirs/rows").json()
