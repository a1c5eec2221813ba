"""api-smart-diff judges the corpus too: it and our rules agree on what breaks, except for what is listed here."""

import json
import shutil
from pathlib import Path

import pytest

from tests.node_tools import run

from .changes_corpus import CORPUS
from .conftest import HERE

pytestmark = [pytest.mark.once, pytest.mark.slow]

DIFFERENT: dict[str, tuple[str, ...]] = {
    "it does not read deprecated and x-sunset, which announce what happens": (
        "a deprecated path was removed",
        "a deprecated operation was removed",
        "a path was removed on its sunset",
        "an operation was deprecated with a sunset in the past",
        "an operation was deprecated with a sunset that is no date",
        "a sunset was removed",
        "a sunset moved into the past",
        "a deprecated parameter was removed",
    ),
    "for it, what asks for more credentials is an addition, and what asks for fewer a removal": (
        "a public operation asks for a token",
        "an operation became public",
        "a scope was added",
        "a scope was removed",
    ),
    "what no operation uses breaks nobody": (
        "a security scheme was added",
        "a security scheme has another type",
        "a schema was removed",
    ),
    "it does not see that a request which was valid no longer is": (
        "a required parameter was added",
        "a parameter's type changed",
        "a parameter became an enum",
        "a parameter may no longer be null",
        "a required body was added",
        "a required property with a default was added",
        "a property with a default became required",
        "a property became an enum",
        "unknown properties are refused",
    ),
    "it does not see that a request which was valid still is": (
        "a property accepts every number",
        "a property accepts a time with the date",
        "the default of a property changed",
        "the pattern of a property accepts everything",
        "the pattern of a parameter accepts everything",
    ),
    "it does not see that a response changed": (
        "the type of a response's property changed",
        "a response's property may be any number",
        "a response has another type",
        "a constant of a response changed",
        "a header became optional",
        "the type of a header changed",
    ),
    "a warning of oasdiff, which is not sure that it breaks clients": (
        "a parameter was removed",
        "a parameter got a maximum",
        "a property got a maximal length",
        "the pattern of a property changed",
        "a value of a response's property was added",
        "an optional header was removed",
    ),
    "oasdiff says that clients do not depend on errors": ("an error was removed",),
    "it has no rule": (
        "a webhook was removed",
        "a schema refuses something else",
        "a callback was added",
    ),
}
"""Changes on which the two disagree, by the reason."""


def test_api_smart_diff_agrees_on_what_breaks(node_tools: Path, tmp_path: Path):
    script = shutil.copy(HERE / "node" / "compare.mjs", node_tools)
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([{"before": case.before, "after": case.after} for case in CORPUS]))
    done = run("node", script, cases, cwd=node_tools)
    assert done.stderr == ""
    found = dict(zip([case.name for case in CORPUS], json.loads(done.stdout), strict=True))
    disagreed = {
        case.name
        for case in CORPUS
        if ("breaking" in found[case.name]) != ("error" in case.expected.values())
    }
    listed = {name for names in DIFFERENT.values() for name in names}
    assert disagreed == listed, {name: found[name] for name in disagreed ^ listed}
