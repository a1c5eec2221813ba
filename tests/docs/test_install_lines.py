"""Every install line names a clone, or a version that only this project has. tests/projects runs them."""

import re

import pytest

from .install_lines import FOLDERS, LINES, faults_in, texts


def test_no_text_installs_the_package_of_that_name_from_an_index():
    assert [fault for name, text in texts() for fault in faults_in(name, text)] == []


@pytest.mark.parametrize(
    "line",
    [
        "$ pip install 'django-matt[cli]'",
        "pip install django-matt",
        'hint="uv add django-matt[formats]"',
        "Install ``django-matt[formats]``.",
        "uv pip install -q 'django-matt[cli]==0.9.1'",
    ],
)
def test_a_line_that_does_is_found(line: str):
    assert list(faults_in("a.md", f"x\n{line}\n")) == [f"a.md:2: {line}"]


@pytest.mark.parametrize(
    "line",
    [
        "$ pip install '.[cli]'",
        "$ pip install './django-matt[cli]'",
        "pip install 'django-matt[cli]>=1.0.0.dev0'",
        "pip install 'django-matt[cli] @ https://example.com/matt.whl'",
        "uv pip install --reinstall-package django-matt .",
        "install django-matt-other",
    ],
)
def test_a_line_that_does_not_is_no_fault(line: str):
    assert list(faults_in("a.md", line)) == []


def test_a_page_says_in_which_folder_a_line_is_typed():
    ours = [line for line in LINES if line.requirement]
    assert {line.requirement for line in ours} == set(FOLDERS)
    assert [f"{each.page}: {each.command}" for each in ours if "clone" not in each.paragraph] == []


def test_an_extra_is_installed_by_one_form():
    found = {
        line.command for line in LINES if "django-matt" in line.command or ".[" in line.command
    }
    form = re.compile(
        r"(?:uv )?pip install (?:--[\w-]+ (?:\w+ )?)*'(?:\.|\./django-matt)\[[\w,-]+\]'(?: -r \S+)?"
    )
    assert [command for command in found if not form.fullmatch(command)] == []
