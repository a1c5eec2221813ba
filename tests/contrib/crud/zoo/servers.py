"""The project as a real process, and a client that makes what a body refers to."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from django.db import connection

from benchmarks.ports import free_port
from django_matt.testing.samples import Samples
from tests.e2e.servers import ROOT, Server, create_database, run_server
from tests.waiting import SECONDS

__all__ = ["Client", "serve_zoo"]

COMMANDS = {
    "uvicorn": "-m uvicorn --lifespan off --port {port} --factory django_matt.asgi:get_asgi_application",
    "gunicorn": "-m gunicorn --workers 1 --threads 4 --worker-class gthread --timeout 60 --no-control-socket "
    "--bind 127.0.0.1:{port} django_matt.wsgi:get_wsgi_application()",
}


@contextmanager
def serve_zoo(folder: Path, kind: str) -> Iterator[Server]:
    """Make the tables and serve the project, on a new database of the kind that the tests run on."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.contrib.crud.zoo.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "ZOO": str(folder),
        "ZOO_DATABASE": f"zoo_{os.getpid()}_{kind}",
    }
    if connection.vendor == "postgresql":
        create_database(str(connection.settings_dict["HOST"]), environment["ZOO_DATABASE"])
    # The tables that the models refer to come first: PostgreSQL looks for them.
    for more in ([], ["--run-syncdb"]):
        done = subprocess.run(
            [sys.executable, "-m", "django", "migrate", *more, "--skip-checks"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    port = free_port()
    command = COMMANDS[kind].format(port=port).split()
    with run_server(command, ROOT, environment, port, folder / "log") as server:
        yield server


_KINDS = {int: "integer", str: "string", float: "number"}


class Client:
    """Makes objects over HTTP, as the document says."""

    def __init__(self, server: Server) -> None:
        """Read the document, and what it does not say of the models."""
        self.http = server.client()
        self.document: Any = self.http.get("/api/openapi.json").json()
        self.facts: Any = self.http.get("/facts").json()
        self._numbers = count(1)

    def ask(self, method: str, path: str, status: int, **more: Any) -> httpx.Response:
        """Send a request; say what was sent if the status is another."""
        answer = self.http.request(method, f"/api/{path}", **more)
        assert answer.status_code == status, (method, path, more, answer.text[:2_000])
        return answer

    def body_of(self, path: str, schema: Any) -> dict[str, Any]:
        """Return the simplest body that a schema describes, with keys of objects that exist and values that are free."""
        number = next(self._numbers)
        known: dict[str, Any] = {
            **dict.fromkeys(("slug", "text", "name", "row"), f"n{number}"),
            # Of letters, because a validator asks for them.
            "code": "".join(chr(ord("a") + int(digit)) for digit in str(number)),
            **dict.fromkeys(("number", "first"), number),
            "low": 1,
            "high": 2,
            "percent": 50,
            # pydantic counts the digit of 0 as one before the point, where the column has none.
            "fraction": 0.5,
        }
        made: dict[str, Any] = Samples(self.document, {}).value(schema)
        properties = Samples(self.document, {}).resolve(schema)["properties"]
        for name, value in known.items():
            kind = properties.get(name, {}).get("type")
            if name in made and (name == "fraction" or kind == _KINDS[type(value)]):
                made[name] = (
                    value[: properties[name].get("maxLength")] if kind == "string" else value
                )
        if "email" in made:
            made["email"] = f"n{number}@example.com"
        if "key" in made and properties["key"].get("format") == "uuid":
            made["key"] = str(uuid.uuid4())
        if "day" in made:
            made["day"] = (
                str(date(2024, 1, 1) + timedelta(days=number))
                if "enum" not in properties["day"]
                else made["day"]
            )
        if properties.get("time", {}).get("format") == "time":
            # A column has no zone, which the format of JSON Schema asks for.
            made["time"] = "10:00:00"
        facts = self.facts[path]
        for name, other in facts["relations"].items():
            if name in properties:
                made[name] = self.make(other)[facts["columns"][name]]
        for name, other in facts["many"].items():
            if name in properties:
                made[name] = [self.make(other)["id"]]
        return made

    def make(self, path: str) -> dict[str, Any]:
        """Create an object; return what the response shows."""
        content = self.document["paths"][f"/api/{path}"]["post"]["requestBody"]["content"]
        if "application/json" in content:
            body = self.body_of(path, content["application/json"]["schema"])
            return self.ask("POST", path, 201, json=body).json()  # type: ignore[no-any-return]
        schema = content["multipart/form-data"]["schema"]
        body = self.body_of(path, schema)
        files = {
            name: ("a.txt", b"content")
            for name in self.facts[path]["files"]
            if body.pop(name, None)
        }
        return self.ask("POST", path, 201, data=body, files=files).json()  # type: ignore[no-any-return]

    def place(self, path: str, shown: dict[str, Any]) -> str:
        """Return the path of an object."""
        return "/".join([path, *(str(shown[name]) for name in self.facts[path]["keys"])])
