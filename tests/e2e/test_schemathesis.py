"""Schemathesis against a running shop: no 5xx, no answer outside its schema, no undocumented status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import DEEP
from tests.e2e.servers import Server
from tests.waiting import SECONDS as PATIENCE

EXAMPLES = 100 if DEEP else 5
LONGEST = 900 if DEEP else 20
RUNS = [
    ("uvicorn", "postgres", "staff", 2),
    ("gunicorn", "sqlite", "ada", 3),
]
if DEEP:
    RUNS = [
        (kind, database, who, seed)
        for kind, database in (("gunicorn", "sqlite"), ("uvicorn", "postgres"))
        for who in ("staff", "ada")
        for seed in range(1, 9)
    ]
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "missing_required_header",
        "unsupported_method",
        "ignored_auth",
    ]
)
"""The others suppose what Ninja does not promise: that a right body is always carried out, and that pydantic reads
strictly, where it takes "5", and XML's every text, for a number."""

TREE = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST + 3 * PATIENCE)]


@pytest.mark.parametrize(("kind", "database", "who", "seed"), RUNS)
def test_it_finds_nothing(shop_server, kind, database, who, seed, tmp_path):
    server: Server = shop_server(kind, database)
    with server.sign_in(who) as client:
        token = client.headers["Authorization"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/openapi.json"),
            *("--no-color", "--checks", CHECKS, "--continue-on-failure", "--warnings", "off"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)),
            *("--seed", str(seed), "--generation-database", "none", "--no-shrink"),
            *("--max-time", str(LONGEST), "--request-timeout", str(PATIENCE)),
            *("-H", f"Authorization:{token}"),
            # It fails on purpose.
            *("--exclude-path", "/api/oops"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONWARNINGS": "ignore",
            "PYTHONPATH": str(TREE),
            "SCHEMATHESIS_HOOKS": "tests.e2e.serializers",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST + PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    assert "No failures" in done.stdout or "No issues found" in done.stdout, done.stdout[-2_000:]
