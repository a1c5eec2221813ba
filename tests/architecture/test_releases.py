"""What a release is made of: the wheel without compiled modules, the list of the others, and what refuses a wrong tag."""

import importlib.util
import re
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from django_matt.installation import DISTRIBUTION

from .conftest import TREE, run, succeed, uv

pytestmark = [pytest.mark.once, pytest.mark.timeout(600)]

WORKFLOW = (TREE / ".github" / "workflows" / "release.yml").read_text()


@pytest.fixture
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", TREE / ".ci" / "release.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_pure_wheel_serves_where_there_is_no_compiler(planted_tree: Path, tmp_path: Path):
    build = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path)
    succeed(*build, planted_tree, cwd=tmp_path, MATT_PURE="1", CC="/bin/false")
    wheel = next(tmp_path.glob("*.whl"))
    assert wheel.name == "django_matt-1.0.0.dev0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as file:
        inside = set(file.namelist())
        head = next(name for name in inside if name.endswith("/WHEEL"))
        assert "Root-Is-Purelib: true\n" in file.read(head).decode()
    assert not [name for name in inside if name.endswith((".so", ".pyd", ".c"))]
    modules = {
        str(path.relative_to(planted_tree))
        for path in (planted_tree / "django_matt").rglob("*.py")
        if "project_template" not in path.parts
    }
    assert modules - inside == set()
    succeed(sys.executable, "-m", "twine", "check", "--strict", wheel, cwd=tmp_path)
    python = tmp_path / "environment" / "bin" / "python"
    succeed(
        uv(),
        "venv",
        "--quiet",
        "--no-config",
        "--python",
        sys.executable,
        tmp_path / "environment",
        cwd=tmp_path,
    )
    succeed(uv(), "pip", "install", "-q", "-p", python, wheel, cwd=tmp_path, CC="/bin/false")
    tried = shutil.copy(TREE / ".ci" / "wheel.py", tmp_path)
    assert "(plain), Django" in succeed(python, tried, "plain", cwd=tmp_path, PATH="/nowhere")
    refused = run(python, tried, "compiled", cwd=tmp_path)
    assert "wanted compiled modules" in refused.stderr


def test_the_list_has_each_wheel_that_is_configured():
    names = (TREE / ".ci" / "wheels.txt").read_text().split()
    options = tomllib.loads((TREE / ".ci" / "cibuildwheel.toml").read_text())["tool"][
        "cibuildwheel"
    ]
    pythons = [each.removesuffix("-*") for each in options["build"].split()]
    linux, macos, windows = (options[name]["archs"] for name in ("linux", "macos", "windows"))
    platforms = [f"{libc}_{arch}" for libc in ("manylinux", "musllinux") for arch in linux]
    platforms += [f"macosx_{arch}" for arch in macos] + [f"win_{arch.lower()}" for arch in windows]
    assert sorted(names) == sorted(f"{python}-{each}" for python in pythons for each in platforms)
    assert len(names) == 32
    jobs = yaml.safe_load(WORKFLOW)["jobs"]
    built = [each["archs"] for each in jobs["wheels"]["strategy"]["matrix"]["include"]]
    assert sorted(built) == sorted([*linux, *macos, *windows])
    # Each Python is tried with the pure wheel too.
    tried = [
        f"cp{each.replace('.', '')}" for each in jobs["test-pure"]["strategy"]["matrix"]["python"]
    ]
    assert tried == pythons


@pytest.mark.exhaustive
def test_cibuildwheel_reads_the_configuration_as_the_list_says(tmp_path: Path):
    version = re.search(r"cibuildwheel==([\d.]+)", WORKFLOW)
    assert version
    python = tmp_path / "bin" / "python"
    succeed(
        uv(), "venv", "--quiet", "--no-config", "--python", sys.executable, tmp_path, cwd=tmp_path
    )
    succeed(uv(), "pip", "install", "-q", "-p", python, f"cibuildwheel=={version[1]}", cwd=tmp_path)
    options = ("--config-file", TREE / ".ci" / "cibuildwheel.toml", "--print-build-identifiers")
    found = [
        name
        for platform in ("linux", "macos", "windows")
        for name in succeed(
            python, "-m", "cibuildwheel", "--platform", platform, *options, cwd=TREE
        ).split()
    ]
    assert found == (TREE / ".ci" / "wheels.txt").read_text().split()


def test_only_the_last_job_may_write_and_it_needs_all_others():
    jobs = yaml.safe_load(WORKFLOW)["jobs"]
    assert yaml.safe_load(WORKFLOW)["permissions"] == {"contents": "read"}
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]
    assert set(jobs["publish"]["needs"]) == set(jobs) - {"publish"}
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'"
    assert "secrets." not in WORKFLOW
    assert "password" not in WORKFLOW


def make_tree(
    folder: Path, name: str = "matt-api", version: str = "1.2.0", changelog: str = "- All.\n"
) -> Path:
    (folder / "django_matt").mkdir()
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "{version}"\n')
    (folder / "django_matt" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (folder / "django_matt" / "installation.py").write_text(f'DISTRIBUTION = "{name}"\n')
    text = f"# Changelog\n\n## [Unreleased]\n\n## [{version}] - 2026-12-01\n\n{changelog}\n## [1.1.0]\n\n- Old.\n"
    (folder / "CHANGELOG.md").write_text(text)
    return folder


def test_a_tree_that_is_ready_is_released_with_its_section_of_the_changelog(
    release, tmp_path: Path
):
    tree = make_tree(tmp_path, changelog="### Added\n\n- One.\n\n### Fixed\n\n- Two.\n")
    assert release.faults(tree, "v1.2.0") == []
    found = release.notes((tree / "CHANGELOG.md").read_text(), "1.2.0")
    assert found == "### Added\n\n- One.\n\n### Fixed\n\n- Two."
    assert release.notes((tree / "CHANGELOG.md").read_text(), "1.1.0") == "- Old."
    assert release.notes((tree / "CHANGELOG.md").read_text(), "1.0.0") == ""


@pytest.mark.parametrize(
    ("tag", "wrong", "text"),
    [
        ("v1.2.1", {}, "the tag is v1.2.1"),
        ("1.2.0", {}, "it should be v1.2.0"),
        ("v1.2.0.dev0", {"version": "1.2.0.dev0"}, "is not the version of a release"),
        ("v1.2.0", {"changelog": ""}, "has no section"),
        ("v1.2.0", {"name": "django-matt"}, "is another project's"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(
    release, tmp_path: Path, tag: str, wrong: dict, text: str
):
    faults = release.faults(make_tree(tmp_path, **wrong), tag)
    assert any(text in fault for fault in faults), faults


def test_this_tree_is_not_released_by_accident():
    process = run(sys.executable, TREE / ".ci" / "release.py", "check", "v1.0.0", cwd=TREE)
    assert process.returncode == 1
    assert "the name django-matt on the package index is another project's" in process.stderr


def test_the_name_of_the_distribution_is_one_variable():
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION
    named = re.compile(rf"""["']{DISTRIBUTION}(?:["'\[]|\s*@)""")
    files = [*(TREE / "django_matt").rglob("*.py"), *(TREE / "contrib").rglob("*.py")]
    found = [
        str(path.relative_to(TREE))
        for path in files
        if "project_template" not in path.parts and named.search(path.read_text())
    ]
    # The first two are names of a server and of a client, not of the distribution.
    assert sorted(set(found)) == [
        "contrib/ml/open_inference.py",
        "contrib/typescript/changes/notifications.py",
        "django_matt/installation.py",
    ]
