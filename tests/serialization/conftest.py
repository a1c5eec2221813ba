"""The two encoders, Ninja's own operation as the judge of every answer, and a second database."""

import functools
import json
import os
import re
import warnings
from math import isfinite

import pytest
from django.apps import apps
from django.db import connections
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.operation import Operation, ResponseObject
from pydantic import BaseModel

from django_matt.rows import row_writers as programs
from django_matt.serialization import encoders
from django_matt.serialization.plan import ResponsePlan

_PLAIN = encoders.encoder_py
ENCODERS = {"plain": _PLAIN}
if encoders.COMPILED:
    ENCODERS["compiled"] = encoders.encoder
if os.environ.get("MATT_REQUIRE_COMPILED") == "1" and not (encoders.COMPILED and programs.COMPILED):
    raise RuntimeError("MATT_REQUIRE_COMPILED=1, but _encoder_c and _rows_c are not both built")


@pytest.fixture(params=list(ENCODERS))
def encoder(request):
    return ENCODERS[request.param]


@functools.lru_cache(4000)
def operation(response, **export):
    made = Operation("/", ["GET"], lambda request: None, response=response, **export)
    made.api = NinjaAPI(urls_namespace="judge")
    return made


@functools.lru_cache(4000)
def plan_of(model, encoder, **export):
    return ResponsePlan(model, encoder=encoder, **export)


def parse(text):
    """Parse strictly but for the NaN and Infinity that Ninja writes where we write null."""
    return json.loads(text, parse_constant=lambda name: None)


def outcome(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "answer", call()
        except Exception as error:
            details = (
                error.errors(include_url=False, include_input=False)
                if hasattr(error, "errors")
                else None
            )
            return type(error).__name__, repr(details), str(error)


# What Ninja's encoder says of declared types that it cannot write; we answer with what JSON mode makes of them.
NO_JSON = re.compile("is not JSON serializable|timezone-aware times|keys must be str")


def outline(data):
    """Return the kinds of values that some JSON holds, for two that write one value in different words."""
    if isinstance(data, list):
        return [outline(item) for item in data]
    if isinstance(data, dict):
        return {key: outline(value) for key, value in data.items()}
    no_number = isinstance(data, float) and not isfinite(data)
    return type(None if no_number else data).__name__


def by_json_mode(made, value, request, export):
    model = made.response_models[200]
    context = {"request": request, "response_status": 200}
    if isinstance(value, BaseModel) and type(value) is model.model_fields["response"].annotation:
        return value.model_dump(mode="json", context=context, **export)
    validated = model.model_validate(ResponseObject(value), context=context)
    return validated.model_dump(mode="json", context=context, **export)["response"]


def judge(response, value, tier=None, **export):
    """Compare every encoder's answer with Ninja's; return it.

    Where Ninja's encoder cannot write the value, pydantic's JSON mode says which kinds of values are right.
    """
    made = operation(response, **export)
    request = HttpRequest()
    expected = outcome(
        lambda: parse(made._result_to_response(request, value, HttpResponse()).content)
    )
    if expected[0] == "KeyError" and value is None and export.get("exclude_none"):
        expected = "answer", None  # Ninja stumbles over its own wrapper; `null` is what it means
    no_json = expected[0] != "answer" and NO_JSON.search(expected[2])
    if no_json:
        shaped = outcome(lambda: outline(by_json_mode(made, value, request, export)))
        expected = shaped if shaped[0] == "answer" else expected
    expected = expected[:2]
    written = set()
    for encoder in ENCODERS.values():
        plan = plan_of(made.response_models[200], encoder, **export)
        got = outcome(lambda plan=plan: plan.encode_with_tier(value, request=request))
        if got[0] == "answer":
            text, by = got[1]
            got = (
                "answer",
                json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")),
            )
            written.add(text)
            assert tier in {None, by}, (plan, by)
        if no_json and got[0] == "answer":
            got = "answer", outline(got[1])
        assert got[:2] == expected, (plan, value)
    assert len(written) <= 1, "the encoders differ"
    return expected


def in_order(data):
    """Sort what no ``order_by`` sorts: the lists inside."""
    if isinstance(data, list):
        return sorted(map(in_order, data), key=repr)
    if isinstance(data, dict):
        return {key: in_order(value) for key, value in data.items()}
    return data


@pytest.fixture(scope="module")
def second_database(django_db_setup, django_db_blocker, tmp_path_factory):
    """Make another database with the same tables, ``legacy``: on PostgreSQL a schema of its own.

    Tests name it in ``django_db(databases=[…])``, which empties it again.
    """
    default = connections["default"]
    database = {**connections.databases["default"], "OPTIONS": {}}
    if default.vendor == "postgresql":
        database["OPTIONS"] = {"options": "-c search_path=legacy"}
    else:
        database["NAME"] = str(tmp_path_factory.mktemp("legacy") / "legacy.sqlite3")
    connections.databases["legacy"] = database
    legacy = connections["legacy"]
    # A file that is thrown away need not be safe on the disk.
    prepare = {"postgresql": "CREATE SCHEMA legacy", "sqlite": "PRAGMA synchronous = OFF"}
    with django_db_blocker.unblock():
        with legacy.cursor() as cursor:
            cursor.execute(prepare[legacy.vendor])
        with legacy.schema_editor() as editor:
            # Those of the project refer to the others.
            for label in ("contenttypes", "auth", "project"):
                for model in apps.get_app_config(label).get_models():
                    # Other tests of this process have models of the same app, without tables.
                    if model.__module__.endswith(".models") and not model._meta.proxy:
                        editor.create_model(model)
        yield
        if legacy.vendor == "postgresql":
            with legacy.cursor() as cursor:
                cursor.execute("DROP SCHEMA legacy CASCADE")
        legacy.close()
    del connections["legacy"]
    del connections.databases["legacy"]
