"""Schemathesis against a running shop: no 5xx, no answer outside its schema, no undocumented status."""

import os
import subprocess
import sys

import pytest

from tests.e2e.conftest import DEEP
from tests.e2e.servers import Server

SEEDS = [1, 20260101] if not DEEP else list(range(1, 9))
EXAMPLES = 100 if DEEP else 8
SECONDS = 1_800 if DEEP else 240
STANDS = [("gunicorn", "sqlite"), ("uvicorn", "postgres")]
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "missing_required_header",
        "unsupported_method",
        "ignored_auth",
    ]
)
"""All that say something about the API; the others suppose that a valid body can always be carried out."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 120)]


@pytest.fixture(params=STANDS, ids="-".join)
def server(request, shop_server) -> Server:
    return shop_server(*request.param)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("who", ["staff", "ada"])
def test_it_finds_nothing(server, who, seed, tmp_path):
    with server.sign_in(who) as client:
        token = client.headers["Authorization"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/openapi.json"),
            *("--no-color", "--checks", CHECKS, "--continue-on-failure", "--warnings", "off"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)),
            *("--seed", str(seed), "--generation-database", "none", "--no-shrink"),
            *("--max-time", str(SECONDS - 60), "--request-timeout", "30"),
            *("-H", f"Authorization:{token}"),
            # It fails on purpose.
            *("--exclude-path", "/api/oops"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    assert "No failures" in done.stdout or "No issues found" in done.stdout, done.stdout[-2_000:]
