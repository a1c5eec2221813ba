"""Sentry is told the same of ``MattAPI`` as of ``NinjaExtraAPI``, by the applications of Django and by ours."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.sentried import URLS

TREE = Path(__file__).parents[2]


def summary(name: str, sent: list[dict]) -> list:
    """Return what matters of events: their kind, transaction and exceptions, without the name of the API."""
    found = []
    for each in sent:
        exceptions = [
            (value["type"], value["value"], value["mechanism"])
            for value in each.get("exception", {}).get("values", [])
        ]
        # What no route matches is named by its URL, on ASGI with the host.
        transaction = re.sub(r"^http://[^/]+", "", each["transaction"])
        request = each["request"]
        where = urlsplit(request["url"]).path
        said = (
            each.get("type", "event"),
            transaction.replace(name, "API"),
            each["transaction_info"]["source"],
            each.get("level"),
            exceptions,
            (request["method"], where.replace(name, "API")),
            each["contexts"].get("response", {}).get("status_code"),
        )
        found.append(said)
    return sorted(found, key=repr)


@pytest.mark.parametrize("kind", ["wsgi", "matt-wsgi", "asgi", "matt-asgi"])
def test_transactions_and_errors_are_named_as_on_ninja_extra(kind):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.e2e.sentried", kind],
        cwd=TREE,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    by_api: dict[str, list] = {"plain": [], "matt": []}
    for name, url, status, sent in json.loads(ran.stdout.splitlines()[-1]):
        by_api[name].append((url, status, summary(name, sent)))
    assert by_api["matt"] == by_api["plain"]
    named = [sent[-1][1] for _, _, sent in by_api["matt"] if sent]
    assert len(named) == 2 * len(URLS)
    assert named[: len(URLS)] == [
        "/API/hello",
        "/API/items/{number}",
        "/API/items/{number}",
        "/API/inner/fails",
        "/API/shops/{name}",
        "/API/nothing",
    ]
    (failed,) = [sent for url, _, sent in by_api["matt"] if url == "/API/inner/fails"]
    event = failed[0]
    assert (event[0], event[3]) == ("event", "error")
    assert event[4] == [("LookupError", "deliberate", {"type": "django", "handled": False})]
