"""The page of a failure, whatever the project's code calls its locals."""

import importlib
import json
import traceback
from pathlib import Path

import pytest

from django_matt.contrib.hot_reload.failures import as_printed, describe, render


def fail() -> None:
    items, keys, values = [1, 2], {"items": 3}, "é"
    password = "hush"
    raise LookupError(items, keys, values, len(password))


def test_the_page_of_a_failure_takes_any_name_of_the_users():
    with pytest.raises(LookupError) as raised:
        fail()
    failure = describe(raised.value)
    page = render(failure, folder="/assets/", version="1", standing=True).decode()
    for local in ("items", "keys", "values"):
        assert f"<dt>{local}</dt>" in page
    assert "password = ********" in page
    assert "hush" not in page
    assert "password = " not in failure.text
    assert failure.text.endswith("LookupError: ([1, 2], {'items': 3}, 'é', 4)")


@pytest.fixture
def error_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return ``error_of(text)``: what the import of a module of the project, with this text, raises."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(text: str) -> Exception:
        (tmp_path / "matt_broken.py").write_text(text)
        importlib.invalidate_caches()
        with pytest.raises(Exception) as raised:  # noqa: PT011 - of any kind
            importlib.import_module("matt_broken")
        return raised.value

    return load


def test_of_a_syntax_error_only_the_frames_of_the_project_are_printed(error_of):
    error = error_of("WORD = (\n")
    printed = as_printed(error)
    assert "<frozen importlib" not in printed
    assert "in load" in printed
    assert 'matt_broken.py", line 1\n    WORD = (\n' in printed
    assert "SyntaxError: '(' was never closed\n" in printed
    assert printed.endswith(
        "frames of libraries are not shown. runserver --traceback shows them.\n"
    )
    assert "<frozen importlib" in as_printed(error, whole=True)


def test_the_frames_of_a_library_that_raised_are_printed(error_of):
    printed = as_printed(error_of("import json\n\njson.loads('{')\n"))
    assert "<frozen" not in printed
    assert "json.loads('{')\n" in printed
    assert "in raw_decode" in printed


def test_a_cause_is_shortened_as_well(error_of):
    text = "try:\n    import matt_nowhere\nexcept ImportError as error:\n    raise LookupError from error\n"
    printed = as_printed(error_of(text))
    assert "<frozen" not in printed
    assert "ModuleNotFoundError: No module named 'matt_nowhere'" in printed
    assert "LookupError" in printed


def test_without_a_frame_of_the_project_all_are_printed():
    try:
        json.loads("{")
    except ValueError as error:
        inner = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    assert as_printed(inner) == "".join(traceback.format_exception(inner))
