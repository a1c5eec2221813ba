"""``manage.py matt_ml`` and the system checks."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError

from django_matt.contrib.ml import checks
from django_matt.contrib.ml.fleets import find_served, serving
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.services import register

from .shelf.served import Echo, Linear

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("matt_ml", *arguments, stdout=out)
    return out.getvalue()


def test_a_file_is_loaded_staged_and_listed(weights: Any):
    assert "linear:2 is registered as live" in run(
        "load", "linear", "2", str(weights(1, 1, 1)), "--stage", "live"
    )
    run("load", "linear", "3", str(weights(1, 1, 2)))
    assert run("stage", "linear", "3", "canary", "--share", "5") == "linear:3 is canary.\n"
    listed = run("list").splitlines()
    assert [line.rpartition(" ")[0] for line in listed[:2]] == [
        "linear:2 live",
        "linear:3 canary 5 %",
    ]
    assert "echo:1 live no file" in listed
    rows = json.loads(run("list", "--format", "json"))
    assert [row["name"] for row in rows] == ["linear", "linear", "echo"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("load", "linear", "2", "/nowhere.json"),
        ("load", "linear", "2", "/nowhere.pkl"),
        ("stage", "linear", "2", "live"),
        ("check", "nothing"),
        ("check", "linear", "--model-version", "9"),
        ("bench", "echo"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: Any):
    with pytest.raises(CommandError):
        run(*arguments)


def test_versions_are_checked_and_compared(weights: Any):
    register("linear", "2", weights(1, 1, 1), stage="live")
    register("linear", "3", weights(1, 1, 1.001))
    assert "2 of 2 answers are equal alone and in a batch" in run("check", "linear")
    with pytest.raises(CommandError, match="0% agree"):  # their answers contain the version
        run("check", "linear", "--model-version", "3", "--against", "2")


def test_an_accuracy_check_refuses_a_version_that_differs(weights: Any):
    class Number(Linear):
        name = "number"

        class Output(Linear.Output):
            version: str = ""

        def predict(self, items: Any) -> Any:
            return [self.Output(score=each.score) for each in super().predict(items)]

    register("number", "2", weights(1, 1, 1), stage="live")
    register("number", "3", weights(1, 1, 1.001))
    register("number", "4", weights(5, 1, 1))
    with serving(Number):
        assert "2 of 2" in run(
            "check", "number", "--model-version", "3", "--against", "2", "--tolerance", "0.01"
        )
        with pytest.raises(CommandError, match="50% agree, and 100% must"):
            run("check", "number", "--model-version", "4", "--against", "2", "--tolerance", "0.01")
        run("check", "number", "--model-version", "4", "--against", "2", "--agreement", "0.5")


def test_batches_are_measured():
    found = json.loads(run("bench", "linear", "--seconds", "0.01", "--format", "json"))
    assert [each["size"] for each in found] == [1, 2, 4, 8, 16, 32, 64]
    assert all(each["p99"] >= each["p50"] > 0 for each in found)
    assert "items/s" in run("bench", "linear", "--seconds", "0.01")


def test_the_files_of_all_versions_are_checked(weights: Any, folder: Any):
    row = register("linear", "2", weights(1, 1, 1), stage="shadow")
    (folder / row.path).write_text("[1]")
    with pytest.raises(CommandError, match=r"has changed since it was registered: .*2-\w+\.json"):
        run("check")


# ---- system checks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"PTAH": "/ml"},
        {"PATH": "ml"},
        {"OPEN_INFERENCE": "v2"},
        {"THREADS": 0},
        {"THREADS": "2"},
        {"MAX_ELEMENTS": -1},
        {"MAX_ITEMS": 0},
        {"REFRESH_SECONDS": True},
        {"DEVICE": None},
        {"FOLDER": None},
    ],
)
def test_a_wrong_option_is_reported(settings_module: Any, wrong: Any):
    settings_module("MATT_ML", wrong)
    [found] = checks.check_settings()
    assert (found.id, next(iter(wrong)) in found.msg) == ("matt_ml.E001", True)


def test_a_class_that_cannot_be_served_is_reported(monkeypatch: Any):
    class Nameless(Linear):
        name = "with space"

    from .shelf import served

    Nameless.__module__ = served.__name__
    monkeypatch.setattr(served, "Nameless", Nameless, raising=False)
    [found] = checks.check_served()
    assert (found.id, "use letters, digits" in found.msg) == ("matt_ml.E002", True)
    Nameless.name = "linear"
    [found] = checks.check_served()
    assert "both have the name 'linear'" in found.msg
    monkeypatch.undo()
    assert checks.check_served() == []
    assert find_served() == {"echo": Echo, "linear": Linear}


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "Input is not a schema"),
        ({"Input": Echo.Input}, "Output is not a schema"),
        ({"Input": Echo.Input, "Output": Echo.Output}, "it has no predict()"),
    ],
)
def test_what_a_class_lacks_is_said(members: Any, said: str):
    assert type("Bare", (Served,), {"name": "bare", **members}).problem() == said


def test_too_many_threads_are_a_warning(monkeypatch: Any, options: Any):
    monkeypatch.setattr(checks, "count_cores", lambda: 4)
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    options(THREADS=2)
    assert checks.check_threads() == []
    options(THREADS=3)
    [found] = checks.check_threads()
    assert (found.id, found.msg) == (
        "matt_ml.W001",
        "2 processes with 3 threads each for models share 4 cores.",
    )


def test_the_project_passes_its_checks():
    try:
        call_command("check")
    except SystemCheckError as error:  # pragma: no cover - shows what is wrong
        pytest.fail(str(error))
