"""Filters over HTTP: they find what their operators mean, and refuse what they do not know."""

from typing import Annotated, Any

import pytest
from django.contrib.postgres import fields as pg
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from psycopg.types.range import Range

from django_matt import FilterSchema, Query
from django_matt.contrib.postgres.filters import (
    ContainedBy,
    Contains,
    HasValues,
    Overlaps,
    Similar,
)
from django_matt.contrib.postgres.ranges import IntegerRange

from .conftest import new_api, postgres


class RoomFilters(FilterSchema):
    tags: Annotated[list[str] | None, Contains(max_items=3)] = None
    one_of: Annotated[list[str] | None, Overlaps("tags")] = None
    only: Annotated[list[str] | None, ContainedBy("tags")] = None
    floor: Annotated[int | None, Contains("floors")] = None
    floors: Annotated[IntegerRange | None, Overlaps()] = None
    data: Annotated[list[str] | None, HasValues({"city": str, "size.width": int, "open": bool})] = (
        None
    )


FOUND = [
    ("tags=sea&tags=big", "AB"),
    ("one_of=sun&one_of=big", "ABC"),
    ("only=sea&only=big", "A"),
    ("floor=2", "AC"),
    ("floors=[3,)", "BC"),
    ("floors=(,1]", "A"),
    ("data=city:Oslo", "AB"),
    ("data=city:Oslo&data=size.width:3", "A"),
    ("data=open:true", "B"),
    ("", "ABC"),
]
REFUSED = [
    ("data=owner:me", "unknown_path"),
    ("data=size:3", "unknown_path"),
    ("data=size.width:x", "path_value"),
    ("data=city:a&data=city:b", "repeated_path"),
    ("data=city:a&data=city:b&data=open:1&data=open:0", "too_long"),
    ("tags=a&tags=b&tags=c&tags=d", "too_long"),
    ("floors=[2,1]", "range_order"),
    ("floors=x", "range_text"),
    ("floor=x", "int_parsing"),
]


@pytest.fixture
def rooms(make_table: Any) -> Any:
    class Room(models.Model):
        name = models.CharField(max_length=9)
        tags = pg.ArrayField(models.CharField(max_length=9), default=list)
        floors = pg.IntegerRangeField()
        data = models.JSONField(default=dict)

        class Meta:
            app_label = "project"

    made = make_table(Room)
    made.objects.create(
        name="A",
        tags=["sea", "big"],
        floors=Range(1, 3),
        data={"city": "Oslo", "size": {"width": 3}},
    )
    made.objects.create(
        name="B",
        tags=["sea", "big", "sun"],
        floors=Range(3, 4),
        data={"city": "Oslo", "open": True},
    )
    made.objects.create(name="C", tags=["sun"], floors=Range(2, 9), data={"city": "Rome"})
    return made


@postgres
@pytest.mark.django_db(transaction=True)
def test_filters_find_what_they_say_and_refuse_the_rest(serve, rooms):
    api = new_api()

    @api.get("/rooms")
    def search(request, filters: Query[RoomFilters]):
        return "".join(
            filters.filter(rooms.objects.order_by("name")).values_list("name", flat=True)
        )

    client = serve(api)
    for query, names in FOUND:
        answer = client.get(f"/api/rooms?{query}")
        assert answer.status_code == 200, (query, answer.content)
        assert answer.json() == names, query
    for query, kind in REFUSED:
        answer = client.get(f"/api/rooms?{query}")
        assert answer.status_code == 422, (query, answer.content)
        assert answer.json()["detail"][0]["type"] == kind, (query, answer.json())
    assert client.get("/api/rooms?tags=a%00").status_code == 400


@postgres
@pytest.mark.django_db(transaction=True)
def test_a_similar_text_is_found_by_the_operator_of_trigrams(serve, rooms):
    class Filters(FilterSchema):
        name: Annotated[str | None, Similar()] = None

    sql = str(Filters(name="it").filter(rooms.objects.all()).query)
    assert '"name" %' in sql.replace("%%", "%")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        if cursor.fetchone() is None:
            return
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    rooms.objects.filter(name="A").update(name="Penthouse")
    found = Filters(name="Pentouse").filter(rooms.objects.all())
    assert [room.name for room in found] == ["Penthouse"]


def test_a_path_inside_of_another_is_a_mistake_in_the_code():
    with pytest.raises(ImproperlyConfigured, match="inside of 'size'"):
        HasValues({"size": str, "size.width": int})
