"""The install line of a message names where this Django Matt came from, whatever that was."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from django_matt.errors.exceptions import MissingExtra
from django_matt.installation import install_line, path_of, read_origin, target
from tests.docs.snippets import TREE

WHEEL = "django_matt-1.0.0.dev0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ({}, "'django-matt[cli]>=1.0.0.dev0'"),
        (
            {"url": "https://example.com/matt.whl"},
            "'django-matt[cli] @ https://example.com/matt.whl'",
        ),
        (
            {
                "url": "https://example.com/matt.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"},
            },
            "'django-matt[cli] @ git+https://example.com/matt.git@abc'",
        ),
        ({"url": "file:///nowhere/django-matt", "dir_info": {}}, "'django-matt[cli]>=1.0.0.dev0'"),
    ],
)
def test_a_line_names_the_origin(origin: dict[str, Any], expected: str):
    assert target("cli", origin) == expected


@pytest.mark.parametrize("name", [WHEEL, "a folder", "it's"])
def test_a_path_is_quoted_for_the_shell(tmp_path: Path, name: str):
    path = tmp_path / name
    path.mkdir()
    folder: dict[str, Any] = {"url": path.as_uri(), "dir_info": {}}
    assert shlex.split(target("cli", folder)) == [f"{path}[cli]"]
    editable = {**folder, "dir_info": {"editable": True}}
    assert shlex.split(target("cli,formats", editable)) == ["-e", f"{path}[cli,formats]"]


def test_a_checkout_is_its_own_origin():
    assert path_of(read_origin()) == TREE
    assert install_line("cli").endswith(f"pip install -e '{TREE}[cli]'")


def test_a_missing_library_names_its_line():
    assert str(MissingExtra("msgspec", "formats")) == (
        f"msgspec is not installed: {install_line('formats')}"
    )
