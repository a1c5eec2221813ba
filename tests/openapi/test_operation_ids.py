"""operationIds: from class and function alone, and the same in every process."""

import os
import subprocess
import sys
from hashlib import blake2b

import pytest

from tests.openapi.controllers import build, build_second

CODE = """
import django; django.setup()
import json, sys
from hashlib import blake2b
from tests.openapi.controllers import build, build_second
for make in (build, build_second):
    text = json.dumps(make().get_openapi_schema(path_prefix="/api/"), default=str)
    print(blake2b(text.encode()).hexdigest())
"""


def ids(document):
    return {
        f"{method} {path}": operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


@pytest.fixture
def found(serve):
    return ids(serve(build()).get("/api/openapi.json").json())


def test_a_model_controllers_routes_are_named_after_class_and_function(found):
    assert found["post /api/players/"] == "players_create_item"
    assert found["get /api/players/"] == "players_list_items"
    assert found["get /api/players/{id}"] == "players_get_item"
    assert found["put /api/players/{id}"] == "players_update_item"
    assert found["patch /api/players/{id}"] == "players_patch_item"
    assert found["delete /api/players/{id}"] == "players_delete_item"
    assert found["get /api/teams/{team_id}/{id}"] == "teams_get_item"


def test_an_inherited_route_is_named_after_the_controller_that_it_is_in(found):
    assert found["get /api/a/ping"] == "a_ping"
    assert found["get /api/b/ping"] == "b_ping"
    assert found["get /api/c/ping"] == "c_ping"


def test_an_id_that_the_project_chose_stays_where_it_is_alone(found):
    assert found["get /api/a/named"] == "chosen_name"
    assert found["get /api/b/named"] == "chosen_name_get_b_named"
    assert len(set(found.values())) == len(found)


def test_a_second_api_names_the_same_controllers_alike(serve):
    found = ids(serve(build(), **{"second/": build_second()}).get("/second/openapi.json").json())
    assert found["get /second/b/ping"] == "b_ping"
    assert found["get /second/b/named"] == "chosen_name"
    assert found["post /second/players/"] == "players_create_item"


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.exhaustive
def test_ten_processes_write_the_same_bytes():
    processes = []
    seen = set()
    for first in range(0, 10, 2):  # two at a time
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", CODE],
                env={
                    **os.environ,
                    "PYTHONHASHSEED": str(seed),
                    "DJANGO_SETTINGS_MODULE": "tests.project.settings",
                },
                stdout=subprocess.PIPE,
                text=True,
            )
            for seed in (first, first + 1)
        ]
        for process in processes:
            seen.add(process.communicate(timeout=90)[0])
            assert process.returncode == 0
    assert len(seen) == 1
    (digests,) = seen
    assert all(len(line) == len(blake2b().hexdigest()) for line in digests.split())
    assert len(digests.split()) == 2
