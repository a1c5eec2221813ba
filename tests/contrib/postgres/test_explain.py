"""``matt_explain`` finds planted mistakes, and none where there are none."""

import json
from io import StringIO
from typing import Annotated, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from ninja import FilterLookup
from ninja.pagination import paginate
from ninja_extra.ordering import ordering

from django_matt import FilterSchema, Query, Schema

from .conftest import new_api, postgres


def explain(*arguments: str) -> Any:
    output = StringIO()
    call_command("matt_explain", *arguments, "--json", stdout=output)
    return json.loads(output.getvalue())


@postgres
@pytest.mark.django_db(transaction=True)
def test_planted_mistakes_are_found_and_nothing_else(serve, make_table):
    class Barrel(models.Model):
        label = models.CharField(max_length=20, db_index=True)
        note = models.CharField(max_length=20)

        class Meta:
            app_label = "project"

    class Flagon(models.Model):
        name = models.CharField(max_length=20)
        barrel = models.ForeignKey(
            Barrel, models.CASCADE, related_name="flagons", db_index=False, db_constraint=False
        )

        class Meta:
            app_label = "project"

    make_table(Barrel)
    make_table(Flagon)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO project_barrel (label, note) SELECT n::text, n::text FROM generate_series(1, 3000) n"
        )
        cursor.execute(
            "INSERT INTO project_flagon (name, barrel_id) SELECT n::text, n FROM generate_series(1, 3000) n"
        )
        cursor.execute("ANALYZE project_barrel, project_flagon")

    class FlagonOut(Schema):
        name: str

    class BarrelOut(Schema):
        label: str
        note: str

    class BarrelWithFlagons(BarrelOut):
        flagons: list[FlagonOut]

    class BarrelFilters(FilterSchema):
        label: Annotated[str | None, FilterLookup("label")] = None
        note: Annotated[str | None, FilterLookup("note__icontains")] = None

    BarrelOut.Meta = BarrelWithFlagons.Meta = type("Meta", (), {"model": Barrel})
    api = new_api()

    @api.get("/barrels", response=list[BarrelOut])
    @paginate
    @ordering(ordering_fields=["label", "note"])
    def pages(request, filters: Query[BarrelFilters]):
        return filters.filter(Barrel.objects.all())

    @api.get("/everything", response=list[BarrelWithFlagons])
    def everything(request):
        return Barrel.objects.all()

    serve(api)
    found = {
        (each["route"].rpartition("/")[2], each["cause"]): each["problems"]
        for each in explain("--rows", "1000")
    }
    assert found == {
        ("barrels", "list"): [],
        ("barrels", "ordering=label"): [],
        ("barrels", "ordering=note"): [
            "It sorts all rows of project_barrel by note: an index may help."
        ],
        ("barrels", "label=…"): [],
        ("barrels", "note=…"): found["barrels", "note=…"],
        ("everything", "list"): ["It returns all rows of project_barrel: paginate the list."],
        ("everything", "nested lists"): [
            "project_flagon.barrel_id has no index, by which flagons are found."
        ],
    }
    assert "all rows of project_barrel to find" in found["barrels", "note=…"][0]
    assert [each["problems"] for each in explain("--rows", "100000") if each["problems"]] == []
    timed = explain("barrels", "--rows", "1000", "--analyze")
    assert all(each["milliseconds"] > 0 for each in timed)
    output = StringIO()
    call_command("matt_explain", "everything", "--rows", "1000", "-v", "2", stdout=output)
    assert "Seq Scan on project_barrel" in output.getvalue()
    assert "2 queries explained, 2 with problems." in output.getvalue()


@pytest.mark.skipif(connection.vendor == "postgresql", reason="of another database")
def test_without_postgresql_it_says_so():
    with pytest.raises(CommandError, match="needs PostgreSQL"):
        call_command("matt_explain")
