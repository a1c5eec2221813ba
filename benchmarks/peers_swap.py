"""A pytest plugin for ``benchmarks.peers``: another class under the peers' names, and every test's outcome in a file."""

import json
import os
from importlib import import_module
from pathlib import Path

import pytest

__all__ = [
    "pytest_collectreport",
    "pytest_configure",
    "pytest_runtest_logreport",
    "pytest_unconfigure",
]

_outcomes: dict[str, str] = {}


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Swap the class in after the suite's conftest has configured Django, before a test module imports it."""
    import ninja
    import ninja_extra

    module, name = os.environ["MATT_PEERS_CLASS"].rsplit(".", 1)
    api_class = getattr(import_module(module), name)
    # Only the names users import: ninja_extra.main says super(NinjaExtraAPI, self), which must stay what it is.
    ninja.NinjaAPI = api_class
    ninja_extra.NinjaExtraAPI = api_class


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Keep a module that fails at import as one failed test."""
    if report.failed:
        _outcomes[report.nodeid] = _reason(report)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep "" for a test that passed, else why it did not; a failure in the set-up or after it counts."""
    if report.skipped:
        _outcomes[report.nodeid] = "skipped"
    elif report.failed:
        _outcomes[report.nodeid] = _reason(report)
    else:
        _outcomes.setdefault(report.nodeid, "")


def pytest_unconfigure() -> None:
    """Write the outcomes."""
    Path(os.environ["MATT_PEERS_OUTCOMES"]).write_text(json.dumps(_outcomes))


def _reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    lines = report.longreprtext.splitlines()
    marked = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    return (marked or [line for line in lines if line.strip()] or ["failed"])[0][:200]
