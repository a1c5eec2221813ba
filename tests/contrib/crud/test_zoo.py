"""More than sixty models in a real server: every verb is answered as the document says, and Schemathesis finds nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]
from openapi_spec_validator.schemas import schema_v31

from django_matt.contrib.crud.fields import component_name
from tests.contrib.crud.zoo.servers import Client, serve_zoo
from tests.e2e.servers import Server
from tests.sampling import is_exhaustive, sample
from tests.waiting import SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3 * SECONDS), pytest.mark.database]

TREE = Path(__file__).parents[3]
LONGEST = 40 if is_exhaustive() else 15
UNLIKE = (
    *("addresses", "article", "bigkey", "chosen", "databasedefaults", "dates", "erased", "files"),
    *("images", "keeper", "keywords", "required", "validated"),
)
"""Models that have little in common, for Schemathesis, which needs minutes for all of them."""
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "missing_required_header",
        "unsupported_method",
    ]
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve_zoo(tmp_path_factory.mktemp("zoo"), "uvicorn") as found:
        yield found


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    found = Client(server)
    yield found
    found.http.close()


def validate(client: Client, answer: Any, path: str, *, many: bool = False) -> None:
    name = component_name(f"{client.facts[path]['name']}Out")
    schema = {"$ref": f"#/components/schemas/{name}", "components": client.document["components"]}
    for each in answer if many else [answer]:
        Draft202012Validator(schema).validate(each)


@pytest.mark.once
def test_there_are_more_than_sixty_models_and_their_document_is_valid(client: Client):
    assert len(client.facts) > 60
    # The validator in Rust, because the one in Python takes a minute for this document.
    errors = jsonschema_rs.validator_for(dict(schema_v31)).iter_errors(client.document)
    assert [str(error)[:500] for error in errors] == []
    for name, schema in client.document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_every_verb_of_every_model_is_answered(client: Client):
    refused = {}
    for path in sample(list(client.facts), 3):
        try:
            use_every_verb(client, path)
        except (AssertionError, ValidationError) as error:
            refused[path] = str(error)[:1_000]
    assert refused == {}, json.dumps(refused, indent=1)


def use_every_verb(client: Client, path: str) -> None:
    facts = client.facts[path]
    made = client.make(path)
    validate(client, made, path)
    place = client.place(path, made)
    assert client.ask("GET", place, 200).json() == made
    listed = client.ask("GET", f"{path}?limit=1000", 200).json()["items"]
    validate(client, listed, path, many=True)
    assert made in listed
    assert client.ask("GET", f"{path}/export", 200).json() == listed
    client.ask("GET", f"{path}/export?format=csv", 200)
    lines = client.ask("GET", f"{path}/export?format=jsonl", 200).text.splitlines()
    assert list(map(json.loads, lines)) == listed
    client.ask("PATCH", place, 200, json={})
    written = client.document["components"]["schemas"][component_name(f"{facts['name']}Change")][
        "properties"
    ]
    again = {
        name: value
        for name, value in made.items()
        if name in written and name not in facts["files"]
    }
    changed = client.ask("PATCH", place, 200, json=again).json()
    validate(client, changed, path)
    if facts["bulk"]:
        write_many(client, path, changed)
    client.ask("DELETE", place, 204)
    client.ask("GET", place, 404)


def test_the_name_of_an_object_that_is_marked_as_deleted_is_free(client: Client):
    made = client.ask("POST", "erased", 201, json={"name": "same"}).json()
    client.ask("POST", "erased", 409, json={"name": "same"})
    client.ask("PATCH", f"erased/{made['id']}", 422, json={"deleted_at": None})
    client.ask("DELETE", f"erased/{made['id']}", 204)
    client.ask("POST", "erased", 201, json={"name": "same"})


def write_many(client: Client, path: str, shown: dict[str, Any]) -> None:
    posts = client.document["paths"][f"/api/{path}/bulk"]
    (content,) = {
        json.dumps(each["schema"]) for each in posts["post"]["requestBody"]["content"].values()
    }
    rows = [client.body_of(path, json.loads(content)["items"]) for _ in range(2)]
    made = client.ask("POST", f"{path}/bulk", 201, json=rows).json()
    validate(client, made, path, many=True)
    imported = client.body_of(path, json.loads(content)["items"])
    headers = {"Content-Type": "application/jsonl"}
    line = json.dumps(imported)
    done = client.ask("POST", f"{path}/import", 201, content=line, headers=headers)
    assert done.json() == {"created": 1}
    (key,) = client.facts[path]["keys"]
    row = {key: shown[key]}
    changed = client.ask("PATCH", f"{path}/bulk", 200, json=[row]).json()
    validate(client, changed, path, many=True)


@pytest.mark.once
def test_schemathesis_finds_nothing(server: Server, client: Client, tmp_path: Path):
    # The client has asked for the document, which the server then has: Schemathesis waits ten seconds for it.
    assert set(UNLIKE) <= client.facts.keys()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/openapi.json"),
            *("--no-color", "--checks", CHECKS, "--continue-on-failure", "--warnings", "off"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "2"),
            *("--include-path-regex", f"^/api/({'|'.join(UNLIKE)})(/|$)"),
            *("--seed", "7", "--generation-database", "none", "--no-shrink"),
            *("--max-time", str(LONGEST), "--request-timeout", str(SECONDS)),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(TREE)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST + SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    assert "No failures" in done.stdout or "No issues found" in done.stdout, done.stdout[-2_000:]
