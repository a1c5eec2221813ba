"""``compose``: any machine with Docker. Caddy in front of two copies of the site, a backup a day."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from django_matt.cli.diagnostics import Diagnostic
from django_matt.contrib.deploy import options as common
from django_matt.contrib.deploy.documents import (
    Strict,
    check_variables,
    problem,
    read_document,
    read_yaml,
)
from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.images import DRAIN, PAGES, SOURCES, image_files, probe
from django_matt.contrib.deploy.projects import PORT, Project
from django_matt.contrib.deploy.targets import (
    Ask,
    Command,
    Verb,
    plain_variables,
    quoted,
    required_secrets,
)
from django_matt.generation.templates import render

__all__ = ["Options", "check", "commands", "environment", "files", "generate", "send", "stored"]

title = "Docker Compose on one machine"
tool = "docker"
install = "https://docs.docker.com/engine/install/"
signed_in: tuple[str, ...] = ("docker", "info")
sign_in = "sudo systemctl start docker   # and be in the group docker"
probes_by_address = False
made_by_platform: tuple[str, ...] = ()
FILE, PROXY, RESTORE = "deploy/compose.yaml", "deploy/proxy/Caddyfile", "deploy/restore.sh"
COPIES = ("web-1", "web-2")
RENDERERS = ("pages-1", "pages-2")
"""The copies of the server that renders pages; the first of them is replaced with the first of the site."""
KEPT = 14
_PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 - the name of a variable


class Options(common.Options):
    """The options of this target."""

    uploads: Literal["none", "volume", "bucket"] = Field(
        default="volume",
        description="Where uploaded files go: a volume, a bucket of S3, or nowhere.",
    )


class Health(Strict):
    """A health check."""

    test: list[str] = []
    interval: str = "30s"
    timeout: str = "30s"
    retries: int = 3
    start_period: str = "0s"
    disable: bool = False


class Service(Strict):
    """A service. Only what is written is allowed."""

    image: str
    build: dict[str, Any] | None = None
    command: list[str] | None = None
    environment: dict[str, str] = {}
    env_file: list[dict[str, Any]] = []
    volumes: list[str] = []
    ports: list[str] = []
    restart: str = "no"
    init: bool = False
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    security_opt: list[str] = []
    stop_grace_period: str = "10s"
    healthcheck: Health | None = None
    depends_on: Any = None
    profiles: list[str] = []
    user: str | None = None
    deploy: dict[str, Any] | None = None


class File(Strict):
    """The whole file."""

    name: str
    services: dict[str, Service]
    volumes: dict[str, Any] = {}


def files(project: Project, options: Options) -> dict[str, str]:
    """Return the files: the image's, compose.yaml, the Caddyfile, and the script that restores a backup.

    Raises ``DeployError`` for pages of Node if it is not known which URLs are Django's.
    """
    front, pages = project.front, _renderers(project)
    if front and pages and not front.paths:
        raise DeployError(
            f"{front.root}/django.caddy names no path, so the proxy would not know which URLs Django answers.",
            f"printf 'path /api /api/*\\npath /static /static/*\\n' > {front.root}/django.caddy",
        )
    plain = _plain(project, options)
    role = _role(options)
    is_postgresql = options.database == "postgresql"
    values: dict[str, Any] = {
        "app": options.name,
        "name": options.name,
        "q_name": quoted(options.name),
        "q_role": quoted(role),
        "role": role,
        "merge": "<<",
        "variables": [(name, quoted(value)) for name, value in plain.items()],
        "secrets": required_secrets(project, options, plain),
        "copies": COPIES,
        "pages": pages,
        "pages_port": PAGES,
        "pages_upstreams": " ".join(f"{copy}:{PAGES}" for copy in pages),
        "root": front.root if front else "",
        "paths": front.paths if front else (),
        "probe": probe(project, options),
        "workers": [(name, json.dumps(project.workers[name])) for name in options.workers],
        "prunes": project.prunes,
        "postgresql": is_postgresql,
        "redis": options.redis,
        "media": options.uploads == "volume",
        "grace": DRAIN + 5,
        "kept": KEPT,
        "kept_and_one": KEPT + 1,
        "domain": options.domain,
        "health": project.health,
        "upstreams": " ".join(f"{copy}:{PORT}" for copy in COPIES),
        "stopped": " ".join([*COPIES, *options.workers, *(["daily"] if project.prunes else [])]),
    }
    return {
        **image_files(project, options, pages=True),
        FILE: render(SOURCES / "compose.yaml.txt", **values),
        PROXY: render(SOURCES / "Caddyfile.txt", **values),
        RESTORE: render(SOURCES / "restore.sh.txt", **values),
    }


def _renderers(project: Project) -> tuple[str, ...]:
    return RENDERERS if project.front and project.front.start else ()


def _role(options: Options) -> str:
    # PostgreSQL keeps names that begin with pg_ for itself.
    role = options.name.replace("-", "_")
    return f"the_{role}" if role.startswith("pg_") else role


def _plain(project: Project, options: Options) -> dict[str, str]:
    more = {}
    if options.database == "sqlite":
        more["DATABASE_URL"] = "sqlite:////data/db.sqlite3"
    if options.redis:
        more["CACHE_URL"] = "redis://cache:6379/0"
    if options.uploads != "bucket":
        more["STORAGE_URL"] = "file:///data/media"
    return plain_variables(project, options, **more)


def environment(files: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the site."""
    services = (read_yaml(files[FILE], FILE) or {}).get("services", {})
    site = services.get(COPIES[0], {})
    return {name: str(value) for name, value in (site.get("environment") or {}).items()}


def check(project: Project, options: Options, files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with compose.yaml and the Caddyfile."""
    data = read_yaml(files[FILE], FILE)
    if isinstance(data, dict):
        data = {name: value for name, value in data.items() if not str(name).startswith("x-")}
    found: list[Diagnostic] = []
    document = read_document(File, data, FILE, found)
    yield from found
    if document is None:
        return
    site = {
        name: each
        for name, each in document.services.items()
        if each.image.startswith(f"{options.name}:")
        or (each.build and not each.build.get("target"))
    }
    yield from _check_sites(project, options, document, site)
    migrates = [name for name, each in site.items() if each.command and "migrate" in each.command]
    if not migrates:
        yield problem(
            f"{FILE} has no service that migrates.",
            "The new release would run on the tables of the old one.",
            "matt deploy init compose",
        )
    for name, service in document.services.items():
        tag = service.image.rpartition("/")[2].partition(":")[2]
        if name not in site and not service.build and (not tag or not tag[0].isdigit()):
            yield problem(
                f"{FILE}: {name} uses {service.image}, which is not a fixed version.",
                "A restart could bring another version, which may not read the data of the old one.",
                "Name a version, such as postgres:17.6.",
            )
        if service.ports and name != "proxy":
            yield problem(
                f"{FILE}: {name} publishes {', '.join(service.ports)}.",
                "Docker opens such ports to everybody, past the firewall of most machines.",
                "Remove ports; only the proxy has some.",
            )
    if "backup" not in document.services:
        yield problem(
            f"{FILE} makes no backups.",
            "All data is on one disk.",
            "matt deploy init compose",
        )
    yield from _check_proxy(project, files.get(PROXY, ""))
    yield from _check_pages(project, document, files.get(PROXY, ""))


def _check_sites(
    project: Project, options: Options, document: File, site: Mapping[str, Service]
) -> Iterator[Diagnostic]:
    copies = {name: each for name, each in site.items() if each.command is None}
    if not copies:
        yield problem(
            f"{FILE} has no service for the site.",
            "Nothing would answer.",
            "matt deploy init compose",
        )
    for name, service in copies.items():
        place = f"{FILE}: {name}"
        yield from check_variables(
            service.environment, place, ("ALLOWED_HOSTS",) if project.reads("ALLOWED_HOSTS") else ()
        )
        if not service.read_only:
            yield problem(
                f"{place} may write to its root file system.",
                "What changes there is lost at the next release, and can be misused until then.",
                "read_only: true, and tmpfs: [/tmp]",
            )
        if service.user in {"0", "root"}:
            yield problem(
                f"{place} runs as root.",
                "A fault of the server would be one of the whole container.",
                "Remove user.",
            )
        if service.restart not in {"unless-stopped", "always"}:
            yield problem(
                f"{place} is not started again.",
                "After a restart of the machine, the site would be down.",
                "restart: unless-stopped",
            )
        if int(service.stop_grace_period.removesuffix("s")) < DRAIN:
            yield problem(
                f"{place} has {service.stop_grace_period} to end.",
                f"The server finishes requests for up to {DRAIN} seconds, and would be killed before.",
                f"stop_grace_period: {DRAIN + 5}s",
            )
        test = " ".join(service.healthcheck.test) if service.healthcheck else ""
        if not service.healthcheck or service.healthcheck.disable or project.health not in test:
            yield problem(
                f"{place}: its healthcheck does not ask {project.health}.",
                "A release would go on before the copy answers, or never.",
                "matt deploy init compose",
            )
        elif not re.search(rf"\b{PORT}\b", test):
            yield problem(
                f"{place}: its healthcheck does not ask port {PORT}.",
                "The image listens there, and the copy would never be healthy.",
                f"create_connection(('127.0.0.1', {PORT}), 4)",
            )
        if _writes_files(service) and not any(
            volume.partition(":")[2].startswith("/data") for volume in service.volumes
        ):
            yield problem(
                f"{place} has no volume at /data.",
                "The database file, or uploaded files, would be lost at the next release.",
                "volumes: [data:/data]",
            )
        if not service.env_file and required_secrets(project, options, service.environment):
            yield problem(
                f"{place} gets no secrets.",
                "The project does not start without them.",
                "matt deploy init compose",
            )
        replicas = (service.deploy or {}).get("replicas", 1)
        if replicas != 1 or (service.deploy or {}).get("mode"):
            yield problem(
                f"{place} runs on {replicas} machines or copies.",
                "With SQLite, each machine would have a database of its own. The two copies of one machine share it."
                if options.database == "sqlite"
                else "The release replaces copies by name.",
                "Remove deploy.",
            )
    if (
        options.database == "postgresql"
        and "database" not in document.services
        and "DATABASE_URL" not in options.secrets
    ):
        yield problem(
            f"{FILE} has no database.",
            "DATABASE_URL then names one elsewhere.",
            "matt deploy init compose",
            doubtful=True,
        )


def _writes_files(service: Service) -> bool:
    variables = service.environment
    return variables.get("DATABASE_URL", "").startswith("sqlite") or variables.get(
        "STORAGE_URL", ""
    ).startswith("file")


def _check_proxy(project: Project, text: str) -> Iterator[Diagnostic]:
    if f"health_uri {project.health}" not in text:
        yield problem(
            f"{PROXY} does not ask {project.health}.",
            "Requests would be sent to a copy that cannot answer.",
            f"health_uri {project.health}",
        )
    if not all(f"{copy}:{PORT}" in text for copy in COPIES):
        yield problem(
            f"{PROXY} does not send requests to {' and '.join(f'{copy}:{PORT}' for copy in COPIES)}.",
            "While a release replaces one copy, the other must answer.",
            f"reverse_proxy {' '.join(f'{copy}:{PORT}' for copy in COPIES)}",
        )
    if "lb_try_duration" not in text:
        yield problem(
            f"{PROXY} sends a request that no copy took to nobody else.",
            "Visitors would see an error at each release.",
            "lb_try_duration 15s",
        )


def _check_pages(project: Project, document: File, proxy: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with the servers that render pages, if there are any."""
    renderers = _renderers(project)
    if not (project.front and renderers):
        return
    lacking = [
        each for each in project.front.paths if not re.search(rf"\s{re.escape(each)}(\s|$)", proxy)
    ]
    if lacking:
        yield problem(
            f"{PROXY} does not send {', '.join(lacking)} to Django, as {project.front.root}/django.caddy says.",
            "Node would answer these URLs, with a page that says that there is none.",
            "matt deploy init compose",
        )
    if not all(f"{copy}:{PAGES}" in proxy and copy in document.services for copy in renderers):
        yield problem(
            f"{PROXY} and {FILE} do not have {' and '.join(renderers)}.",
            "Nothing would render the pages, or every release would be an outage.",
            "matt deploy init compose",
        )
    for name in renderers:
        service = document.services.get(name)
        if service and "MATT_SPA_BACKEND" not in service.environment:
            yield problem(
                f"{FILE}: {name} does not know where Django is.",
                "Its pages would have no data.",
                'MATT_SPA_BACKEND: "http://proxy:8080"',
            )


def commands(project: Project, options: Options, verb: Verb, release: str) -> list[Command]:
    """Return the commands, which run on the machine itself."""
    compose = ("env", f"RELEASE={release}", "docker", "compose", "--file", FILE)
    if verb == "status":
        return [Command("Show what runs", (*compose, "ps"))]
    stores = [
        name
        for name, wanted in (
            ("database", options.database == "postgresql"),
            ("cache", options.redis),
        )
        if wanted
    ]
    up = (*compose, "up", "--detach", "--no-build")
    proxy = Command("Start the proxy", (*up, "--no-deps", "proxy"))
    renderers = _renderers(project)
    pairs = [each for each in (COPIES, renderers) if each]
    # SIGTERM comes at once, and a request that has arrived and was not read yet would be lost: so none is sent any more.
    replace = []
    for number in (0, 1):
        copies, others = [[pair[each] for pair in pairs] for each in (number, 1 - number)]
        replace += [
            _route(compose, f"Send requests to {' and '.join(others)} alone", others),
            # Django finishes its requests after SIGTERM; not every server of pages does.
            *([Command("Let it finish what it renders", ("sleep", "10"))] if renderers else []),
            Command(
                f"Replace {' and '.join(copies)}, and wait until {'it is' if len(copies) == 1 else 'they are'} healthy",
                (*up, "--no-deps", "--wait", *copies),
            ),
        ]
    rest = [
        _route(compose, "Send requests to both again"),
        Command("Replace the rest", (*up, "--wait", "--remove-orphans")),
    ]
    if verb == "rollback":
        return [*_find_images(options, renderers, release), proxy, *replace, *rest]
    start = (
        [Command("Start the stores", (*compose, "up", "--detach", "--wait", *stores))]
        if stores
        else []
    )
    return [
        Command("Build the image", (*compose, "build", *(pair[0] for pair in pairs))),
        *start,
        Command("Migrate", (*compose, "run", "--rm", "--no-deps", "migrate")),
        proxy,
        *replace,
        *rest,
    ]


def _find_images(options: Options, renderers: tuple[str, ...], release: str) -> list[Command]:
    """Return the commands that fail, before anything changes, if this machine has no image of a release."""
    names = [options.name, *([f"{options.name}-pages"] if renderers else [])]
    show = ("docker", "image", "inspect", "--format", "{{.Id}}")
    return [
        Command(
            f"See that this machine has the image {name}:{release}", (*show, f"{name}:{release}")
        )
        for name in names
    ]


def _route(compose: tuple[str, ...], why: str, copies: Sequence[str] = ()) -> Command:
    """Return the command that lets the proxy read its file again, with other copies to send requests to."""
    ports = {**dict.fromkeys(COPIES, PORT), **dict.fromkeys(RENDERERS, PAGES)}
    variables = {**dict.fromkeys(COPIES, "UPSTREAMS"), **dict.fromkeys(RENDERERS, "PAGES")}
    chosen = [
        word for copy in copies for word in ("--env", f"{variables[copy]}={copy}:{ports[copy]}")
    ]
    reload = ("caddy", "reload", "--config", "/etc/caddy/Caddyfile")
    return Command(why, (*compose, "exec", "-T", *chosen, "proxy", *reload))


def stored(project: Project, options: Options) -> set[str]:
    """Return the names of the secrets that are files of this machine, whichever clone has sent them."""
    folder = Path(os.environ.get("SECRETS") or Path.home() / ".config" / options.name)
    return {path.stem for path in folder.glob("*.env")}


def generate(project: Project, options: Options) -> dict[str, str]:
    """Return a new URL of the database: its server gets the same password."""
    if options.database == "sqlite":
        return {}
    role = _role(options)
    return {"DATABASE_URL": f"postgres://{role}:{token_urlsafe(32)}@database:5432/{role}"}


def send(project: Project, options: Options, values: Mapping[str, str]) -> list[Command]:
    """Return the commands that write each secret to a file that only this user of the machine can read."""
    values = dict(values)
    folder = f"${{SECRETS:-$HOME/.config/{options.name}}}"
    if options.database == "postgresql" and "DATABASE_URL" in values:
        password = _password_of(values["DATABASE_URL"])
        if password:
            values[_PASSWORD] = password
    return [
        Command(
            f"Write {name}",
            (
                "sh",
                "-c",
                f'umask 077 && mkdir -p "{folder}" && cat > "{folder}/{name}.part" && mv "{folder}/{name}.part" "{folder}/{name}.env"',
            ),
            _line(name, value),
        )
        for name, value in values.items()
    ]


def _line(name: str, value: str) -> Any:
    def line(_: Ask) -> str:
        return f"{name}={value}\n"

    return line


def _password_of(url: str) -> str:
    parts = urlsplit(url)
    return unquote(parts.password or "") if parts.hostname == "database" else ""
