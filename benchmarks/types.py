"""What TypeScript costs: 1,000 operations and 2,000 schemas emitted, then compiled. ``python -m benchmarks.types`` prints it.

CPU seconds, the fastest of three runs. The compilers are measured if ``npm ci`` has installed them into a folder that
``--tools`` names (``tests/contrib/typescript/node`` has the lock file).
"""

import argparse
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings

__all__ = ["large_document", "measure"]

OPERATIONS, SCHEMAS, ROUNDS = 1_000, 2_000, 3
COMPILERS = {"5.9": "typescript", "6": "typescript-6", "7": "typescript-7"}


def large_document(operations: int = OPERATIONS, schemas: int = SCHEMAS) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document whose schemas refer to each other in one chain, as a large API's do."""
    reference = "#/components/schemas/Schema{}".format
    found: dict[str, Any] = {}
    for number in range(schemas):
        found[f"Schema{number}"] = {
            "type": "object",
            "description": f"What the resource {number} has.",
            "required": ["id", "name", "status", "tags"],
            "properties": {
                "id": {"type": "integer"},
                "name": {"type": "string", "maxLength": 80},
                "status": {"enum": ["new", "paid", "sent"], "type": "string"},
                "price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]},
                "created": {"type": "string", "format": "date-time", "description": "When."},
                "tags": {"type": "array", "items": {"type": "string"}},
                "values": {"type": "object", "additionalProperties": {"type": "number"}},
                "next": {"$ref": reference((number + 1) % schemas)},
                "others": {"type": "array", "items": {"$ref": reference(number * 7 % schemas)}},
            },
        }
    errors = {
        "description": "Refused.",
        "content": {"application/problem+json": {"schema": {"$ref": reference(0)}}},
    }
    paths: dict[str, Any] = {}
    for number in range(operations):
        body = {"content": {"application/json": {"schema": {"$ref": reference(number)}}}}
        answer = {
            "content": {"application/json": {"schema": {"$ref": reference(number + schemas // 2)}}}
        }
        paths[f"/api/things{number}/{{key}}"] = {
            "post": {
                "operationId": f"things{number}_create_thing",
                "summary": f"Create thing {number}",
                "tags": [f"things{number // 10}"],
                "parameters": [
                    {"in": "path", "name": "key", "required": True, "schema": {"type": "integer"}},
                    {"in": "query", "name": "page", "schema": {"type": "integer", "default": 1}},
                ],
                "requestBody": {"required": True, **body},
                "responses": {
                    "200": {"description": "OK", **answer},
                    **{
                        status: {"$ref": "#/components/responses/Refused"}
                        for status in ("400", "401", "403", "404", "409", "422", "500")
                    },
                },
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Large", "version": "1"},
        "paths": paths,
        "components": {"schemas": found, "responses": {"Refused": errors}},
    }


def measure(tools: Path | None) -> Iterator[tuple[str, float]]:
    """Yield each measure with its CPU seconds."""
    from django_matt.contrib.typescript.documents import Document
    from django_matt.contrib.typescript.management.verbs.write import EMITTERS
    from django_matt.contrib.typescript.settings import TypeScriptSettings

    document = Document.of(large_document())
    options = TypeScriptSettings()
    files: dict[str, str] = {}

    def emit() -> None:
        for each in EMITTERS:
            files.update(each(document, options))

    yield "emit 1,000 operations and 2,000 schemas", _fastest(emit, time.process_time)
    yield from _measure_comparisons()
    if tools is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        for version, package in COMPILERS.items():
            tsc = tools / "node_modules" / package / "bin" / "tsc"
            command = ["node", str(tsc), "--strict", "--noEmit", "--skipLibCheck", "false"]
            command += ["--types", "", "--target", "es2022", "schema.d.ts"]

            def compile_all(command: list[str] = command) -> None:
                subprocess.run(command, check=True, cwd=folder, timeout=300)

            yield f"tsc {version} on schema.d.ts", _fastest(compile_all, _spent_by_children, 1)


def _measure_comparisons() -> Iterator[tuple[str, float]]:
    """Compare the document with ones in which one schema, every tenth, or every schema and parameter changed."""
    from datetime import date

    from django_matt.contrib.typescript.changes import compare

    base, today = large_document(), date(2026, 11, 29)
    for name, step in (("one schema", SCHEMAS), ("200 schemas", 10), ("everything", 1)):
        revision = large_document()
        for schema in list(revision["components"]["schemas"].values())[::step]:
            schema["properties"]["name"]["maxLength"] = 60
        for item in list(revision["paths"].values())[::step]:
            item["post"]["parameters"][1]["schema"]["default"] = 2

        def compare_both(revision: dict[str, Any] = revision) -> None:
            compare(base, revision, today=today)

        yield f"diff, {name} changed", _fastest(compare_both, time.process_time)


def _fastest(work: Callable[[], None], clock: Callable[[], float], rounds: int = ROUNDS) -> float:
    found = []
    for _ in range(rounds):
        begin = clock()
        work()
        found.append(clock() - begin)
    return min(found)


def _spent_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=Path, help="the folder with node_modules")
    settings.configure(
        INSTALLED_APPS=["ninja_extra", "django_matt"], SECRET_KEY="only-for-this-run"
    )
    django.setup()
    tools = parser.parse_args().tools
    for what, seconds in measure(tools):
        print(f"{what:45} {seconds:8.2f} s of CPU", flush=True)
    if tools is None:
        return
    from benchmarks import completions

    for what, milliseconds, _ in completions.measure(tools):
        print(f"{f'names after {what}':45} {milliseconds:8.0f} ms", flush=True)


if __name__ == "__main__":
    main()
