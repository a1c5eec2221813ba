"""What a deployment needs to know about the project: read from its settings, its commands and its files."""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django.db.models import FileField
from django.utils.text import slugify

from django_matt.contrib.deploy.errors import DeployError
from django_matt.extensions import PrunesRows
from django_matt.installation import read_origin

__all__ = ["PORT", "Project", "Variable", "read_project"]

PORT = 8000
"""The port of the server in the image."""
WORKERS = {
    "matt_events": ("events", ("work",)),
    "matt_webhooks": ("webhooks", ("send",)),
    "db_worker": ("tasks", ()),
}
"""The management commands that process something until they are stopped, with their short name and arguments."""
DEFAULTS = ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL")
"""The variables of a project whose class of them is not known."""
_REQUIREMENTS = ("requirements/production.txt", "requirements.txt")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that the project reads from its environment."""

    name: str
    secret: bool
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The facts that the files of a target depend on."""

    folder: Path
    name: str
    settings: str
    application: str
    database: str = "sqlite"
    """``sqlite`` or ``postgresql``."""
    redis: bool = False
    requirements: str = "requirements/production.txt"
    health: str = "/api/health/ready"
    static_url: str = "/static"
    static_root: str = "staticfiles"
    """The folder of collected files, relative to the project's; empty if there is none."""
    vendored: bool = True
    """Whether Django Matt is put into the image as a file, because no package index has it."""
    version: str = "1.0.0"
    variables: tuple[Variable, ...] = tuple(
        Variable(name, secret=name in {"SECRET_KEY", "DATABASE_URL"}, required=True)
        for name in DEFAULTS
    )
    workers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The command of each worker, by its name."""
    prunes: bool = False
    """Whether ``manage.py matt_prune`` has something to delete once a day."""
    front: tuple[str, str] | None = None
    """The folder of a front end that the image builds with Node, and the folder that its build writes; None without one."""
    rendered: str = ""
    """The folder of a front end whose pages a server of Node renders; empty without one. The image serves Django alone."""
    types: bool = False
    """Whether ``manage.py matt_types write`` writes types that the front end is built with."""
    uploads: tuple[str, ...] = ()
    """The fields that store files, such as ``"catalog.Item.photo"``."""

    def reads(self, name: str) -> bool:
        """Return whether the project reads a variable."""
        return any(variable.name == name for variable in self.variables)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the variables that are secret."""
        return tuple(variable.name for variable in self.variables if variable.secret)


def read_project() -> Project:
    """Return the facts about the project of this process. Raises ``DeployError`` if one cannot be found."""
    folder = Path(getattr(settings, "BASE_DIR", ".")).resolve()
    module = settings.SETTINGS_MODULE
    commands = get_commands()
    requirements = next((each for each in _REQUIREMENTS if (folder / each).is_file()), "")
    if not requirements:
        raise DeployError(
            f"{folder} has neither {' nor '.join(_REQUIREMENTS)}, from which the image is installed.",
            "pip freeze > requirements.txt",
        )
    origin = read_origin()
    return Project(
        folder=folder,
        name=slugify(folder.name)[:40].strip("-") or "site",
        settings=module,
        application=_application(module),
        database="postgresql" if connection.vendor == "postgresql" else "sqlite",
        redis="redis" in settings.CACHES.get("default", {}).get("BACKEND", "").lower(),
        requirements=requirements,
        health=_health(),
        static_url="/" + urlsplit(settings.STATIC_URL or "/static/").path.strip("/"),
        static_root=_relative(settings.STATIC_ROOT, folder),
        vendored=bool(origin),
        version=_version(),
        variables=_variables(),
        workers={
            name: ("python", "manage.py", command, *arguments)
            for command, (name, arguments) in WORKERS.items()
            if command in commands
        },
        prunes="matt_prune" in commands
        and any(isinstance(app, PrunesRows) for app in apps.get_app_configs()),
        front=_front(folder) if "matt_spa" in commands else None,
        rendered=_rendered(folder) if "matt_spa" in commands else "",
        types="matt_types" in commands,
        uploads=tuple(
            f"{model._meta.label}.{each.name}"
            for model in apps.get_models()
            for each in model._meta.local_fields
            if isinstance(each, FileField)
        ),
    )


def _rendered(folder: Path) -> str:
    options = getattr(settings, "MATT_SPA", {})
    return _relative(options.get("ROOT", "front"), folder) if options.get("SERVER") else ""


def _front(folder: Path) -> tuple[str, str] | None:
    options = getattr(settings, "MATT_SPA", {})
    if options.get("SERVER"):
        return None
    root = _relative(options.get("ROOT", "front"), folder)
    output = _relative(options.get("OUTPUT", "static/front"), folder)
    return (root, output) if root and output and (folder / root / "package.json").exists() else None


def _application(module: str) -> str:
    named = (
        getattr(settings, "ASGI_APPLICATION", None)
        or f"{module.partition('.')[0]}.asgi.application"
    )
    path, _, name = str(named).rpartition(".")
    try:
        found = find_spec(path)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise DeployError(
            f"The ASGI application {named!r} cannot be imported. Correct ASGI_APPLICATION in your settings."
        )
    return f"{path}:{name}"


def _health() -> str:
    from django_matt.discovery import find_apis

    prefixes = [prefix for _, prefix in find_apis()]
    options = getattr(settings, "MATT_HEALTH", {}) or {}
    path = str(options.get("READY_PATH", "/health/ready"))
    return f"{prefixes[0] if prefixes else '/api/'}{path.lstrip('/')}"


def _relative(path: object, folder: Path) -> str:
    if not path:
        return ""
    resolved = (folder / str(path)).resolve()
    if not resolved.is_relative_to(folder):
        return ""
    return resolved.relative_to(folder).as_posix()


def _version() -> str:
    from django_matt import __version__

    return __version__


def _variables() -> tuple[Variable, ...]:
    """Return the variables that ``manage.py matt_env`` knows; the usual ones if the project has no class of them."""
    output = io.StringIO()
    if "matt_env" in get_commands():
        try:
            call_command("matt_env", "show", "--format", "json", stdout=output)
            rows = json.loads(output.getvalue())
        except (CommandError, ValueError):
            rows = []
        if rows:
            return tuple(Variable(row["name"], row["secret"], row["required"]) for row in rows)
    secret = re.compile(r"KEY|URL")
    return tuple(Variable(name, bool(secret.search(name)), required=True) for name in DEFAULTS)
