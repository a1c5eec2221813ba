"""The encoders alone, without query and request: 200 instances, and 1,000 raw rows, of 12 columns as JSON."""

import json
from collections.abc import Callable
from typing import Any

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.operation import Operation
from pydantic import ConfigDict, TypeAdapter, create_model

from benchmarks.answers import normal
from benchmarks.data import COLUMNS, some_rows
from benchmarks.measuring import DifferentAnswersError, Run
from benchmarks.models import Row
from benchmarks.stacks.bare import row_dict
from benchmarks.stacks.schemas import RowOut
from django_matt.rows.engine import RowsTier
from django_matt.serialization import encoders
from django_matt.serialization.plan import ResponsePlan

__all__ = ["encoding_runs", "raw_runs"]


def encoding_runs() -> dict[str, Run]:
    """Return what makes JSON of the instances, each line once checked against the first."""
    rows = list(some_rows())
    operation = _operation()
    request = HttpRequest()
    plan = ResponsePlan(operation.response_models[200])
    plain = ResponsePlan(operation.response_models[200], encoder=encoders.encoder_py)
    fields: Any = {name: (field.annotation, ...) for name, field in RowOut.model_fields.items()}
    model = create_model("Plain", __config__=ConfigDict(from_attributes=True), **fields)
    adapter = TypeAdapter(list[model])
    ways: dict[str, Callable[[], bytes]] = {
        "by hand": lambda: orjson.dumps([row_dict(row) for row in rows]),
        "matt": lambda: plan.encode(rows),
        "matt, plain": lambda: plain.encode(rows),
        "pydantic": lambda: adapter.dump_json(adapter.validate_python(rows)),
        "ninja": lambda: operation._result_to_response(request, rows, HttpResponse()).content,
    }
    first = normal(json.loads(ways["by hand"]()))
    for name, way in ways.items():
        if normal(json.loads(way())) != first:
            raise DifferentAnswersError(f"encoding: {name} makes other JSON than by hand")
    return {name: _repeated(way) for name, way in ways.items()}


def raw_runs() -> dict[str, Run]:
    """Return what makes JSON of the rows as the driver gave them to MattAPI, once checked against hand-written Django's."""
    plan = ResponsePlan(_operation().response_models[200])
    queryset = Row.objects.all()
    row_plan = RowsTier(plan.node, plan.encoder).row_plan(queryset)
    statement: Any = row_plan.statement(queryset)
    # Open as long as the rows are written: it knows their types.
    cursor = connection.cursor()
    raw = row_plan.raw(cursor)
    raw.run(statement)
    rows = cursor.fetchall()

    def write() -> bytes:
        extras = row_plan.extras(rows, statement, raw)
        return b"[%b]" % row_plan.row_writer.write(rows, extras, b",")

    expected = json.loads(orjson.dumps(list(queryset.values(*COLUMNS)), default=str))
    if normal(json.loads(write())) != normal(expected):
        raise DifferentAnswersError("raw rows: MattAPI makes other JSON than by hand")
    return {
        "matt": _repeated(write),
        "dict": _repeated(
            lambda: orjson.dumps(
                [dict(zip(COLUMNS, row, strict=False)) for row in rows], default=str
            )
        ),
    }


def _operation() -> Operation:
    operation = Operation("/", ["GET"], lambda request: None, response=list[RowOut])
    operation.api = NinjaAPI(urls_namespace="encoding")
    return operation


def _repeated(way: Callable[[], bytes]) -> Run:
    def run(times: int) -> None:
        for _ in range(times):
            way()

    return run
