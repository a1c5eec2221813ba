"""Filled shops on both databases, and servers in front of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.servers import Server, create_database, fill_shop, run_postgres, serve_shop

DEEP = os.environ.get("MATT_E2E") == "deep"
"""``MATT_E2E=deep`` runs every server on every database, and more examples."""


@pytest.fixture(scope="session")
def postgres_host() -> Iterator[str]:
    with run_postgres() as host:
        yield host


@pytest.fixture(scope="session")
def shop_server(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str, str], Server]]:
    """Return ``serve(kind, database)``: the same server for the same two, until the run ends."""
    servers: dict[tuple[str, str], Server] = {}
    with ExitStack() as stack:

        def serve(kind: str, database: str) -> Server:
            if (kind, database) not in servers:
                data: Path = tmp_path_factory.mktemp(f"{kind}-{database}")
                url = ""
                if database == "postgres":
                    host = request.getfixturevalue("postgres_host")
                    url = create_database(host, f"shop_{kind}_{os.getpid()}")
                fill_shop(data, url)
                servers[kind, database] = stack.enter_context(serve_shop(kind, data, url))
            return servers[kind, database]

        yield serve
