"""The serializer against hand-written orjson, plain pydantic and Ninja's path: ``python -m benchmarks.serializer``.

CPU time of this process, the cases in turn, the minimum of the rounds; only the ratios mean something.
"""

import argparse
import datetime
import json
import os
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
settings.DEBUG = False
django.setup()

import orjson  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from ninja import NinjaAPI, Schema  # noqa: E402
from ninja.operation import Operation  # noqa: E402
from pydantic import BaseModel, ConfigDict, TypeAdapter  # noqa: E402

from django_matt.serialization import encoders  # noqa: E402
from django_matt.serialization.plan import ResponsePlan  # noqa: E402


class Row(models.Model):
    """Twelve columns."""

    class Meta:
        app_label = "project"

    name = models.CharField(max_length=50)
    email = models.EmailField()
    about = models.TextField()
    stock = models.IntegerField()
    views = models.BigIntegerField()
    score = models.FloatField()
    active = models.BooleanField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    key = models.UUIDField()
    at = models.DateTimeField()
    day = models.DateField()


FIELDS: dict[str, Any] = {
    "id": int,
    "name": str,
    "email": str,
    "about": str,
    "stock": int,
    "views": int,
    "score": float,
    "active": bool,
    "price": Decimal,
    "key": uuid.UUID,
    "at": datetime.datetime,
    "day": datetime.date,
}
Out = type("Out", (Schema,), {"__annotations__": FIELDS})


class _Attributes(BaseModel):
    model_config = ConfigDict(from_attributes=True)


Plain = type("Plain", (_Attributes,), {"__annotations__": FIELDS})


def make(index: int) -> Row:
    """Return one row with a value in every column."""
    return Row(
        id=index + 1,
        name=f"name {index}",
        email=f"a{index}@example.org",
        about="Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 2,
        stock=index,
        views=index * 10**12,
        score=index / 7,
        active=index % 2 == 0,
        price=Decimal(index) / 4,
        key=uuid.uuid4(),
        at=datetime.datetime(2024, 1, 1, 12, 30, index % 60, 123456, tzinfo=datetime.UTC),
        day=datetime.date(2024, 1, 1 + index % 28),
    )


def as_dicts(rows: Any) -> bytes:
    """Do by hand what a careful developer would do."""
    return orjson.dumps(
        [
            {
                "id": row.id,
                "name": row.name,
                "email": row.email,
                "about": row.about,
                "stock": row.stock,
                "views": row.views,
                "score": row.score,
                "active": row.active,
                "price": str(row.price),
                "key": row.key,
                "at": row.at,
                "day": row.day,
            }
            for row in rows
        ]
    )


def measure(title: str, cases: dict[str, Callable[[], Any]], rounds: int) -> None:
    """Print the least time of each case, and its ratio to the first."""
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(rounds):
        for name, call in cases.items():
            started = time.process_time()
            call()
            best[name] = min(best[name], time.process_time() - started)
    first = next(iter(best.values()))
    print(title)
    for name, seconds in best.items():
        print(f"  {name:34}{seconds * 1000:9.3f} ms {seconds / first:7.2f}x")


def main() -> None:
    """Measure the encoder alone, then with the query before it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=40)
    rounds = arguments.parse_args().rounds
    operation = Operation("/", ["GET"], lambda request: None, response=list[Out])
    operation.api = NinjaAPI(urls_namespace="benchmark")
    request = HttpRequest()
    plan = ResponsePlan(operation.response_models[200])
    plain = ResponsePlan(operation.response_models[200], encoder=encoders.plain)
    adapter = TypeAdapter(list[Plain])

    def ninja(rows: Any) -> bytes:
        return operation._result_to_response(request, rows, HttpResponse()).content

    def pydantic(rows: Any) -> bytes:
        return adapter.dump_json(adapter.validate_python(rows, from_attributes=True))

    rows = [make(index) for index in range(200)]
    assert json.loads(plan.encode(rows)) == json.loads(ninja(rows))
    assert plan.encode(rows) == plain.encode(rows)
    assert plan.encode_with_tier(rows)[1] == "instances"
    print(f"compiled: {encoders.COMPILED}, {connection.vendor}")
    measure(
        "encoder alone, 200 instances x 12 columns",
        {
            "matt": lambda: plan.encode(rows),
            "matt, the plain encoder": lambda: plain.encode(rows),
            "orjson of hand-made dicts": lambda: as_dicts(rows),
            "pydantic from_attributes, dump_json": lambda: pydantic(rows),
            "ninja": lambda: ninja(rows),
        },
        rounds,
    )
    connection.creation.create_test_db(verbosity=0, serialize=False)
    Row.objects.bulk_create(rows)
    try:
        measure(
            "end to end: query, instances, JSON",
            {
                "hand-written": lambda: as_dicts(Row.objects.all()),
                "matt": lambda: plan.encode(Row.objects.all()),
                "matt, the plain encoder": lambda: plain.encode(Row.objects.all()),
                "pydantic": lambda: pydantic(list(Row.objects.all())),
                "ninja": lambda: ninja(Row.objects.all()),
            },
            rounds,
        )
    finally:
        connection.creation.destroy_test_db(":memory:", verbosity=0)


if __name__ == "__main__":
    main()
