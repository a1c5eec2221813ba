"""``digitalocean``: App Platform, from an image in DigitalOcean's registry, with a managed PostgreSQL."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

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
from django_matt.contrib.deploy.images import DOCKERFILE, DRAIN, SOURCES, image_files
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

title = "DigitalOcean App Platform"
tool = "doctl"
install = "https://docs.digitalocean.com/reference/doctl/how-to/install/"
signed_in: tuple[str, ...] = ("doctl", "account", "get")
sign_in = "doctl auth init"
probes_by_address = True
made_by_platform: tuple[str, ...] = ("DATABASE_URL", "CACHE_URL")
FILE = ".do/app.yaml"
REGIONS = (
    "ams", "atl", "blr", "fra", "lon", "nyc", "sfo", "sgp", "syd", "tor",
)  # fmt: skip


class Options(common.Options):
    """The options of this target."""

    region: str = Field(default="fra", description="Region of App Platform, such as fra or nyc.")
    registry: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
        description="Your registry: `doctl registry get` names it.",
    )
    app_id: str = Field(
        default="",
        pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
        description="ID of the app, once it exists: `doctl apps list` shows it.",
    )
    machines: Annotated[int, Field(ge=1, le=20)] = Field(
        default=2, description="Containers of the site."
    )
    size: str = Field(default="apps-s-1vcpu-1gb", description="Size of a container.")

    @field_validator("region")
    @classmethod
    def _is_known(cls, region: str) -> str:
        if region not in REGIONS:
            raise ValueError(
                f"is not a region.{common.suggest(region, list(REGIONS))} Known are {', '.join(REGIONS)}"
            )
        return region


class Variable(Strict):
    """A variable of the app."""

    key: str
    value: str = ""
    scope: Literal["RUN_TIME", "BUILD_TIME", "RUN_AND_BUILD_TIME"] = "RUN_TIME"
    type: Literal["GENERAL", "SECRET"] = "GENERAL"


class Image(Strict):
    """An image in a registry."""

    registry_type: Literal["DOCR", "DOCKER_HUB", "GHCR"]
    registry: str = ""
    repository: str
    tag: str = ""
    digest: str = ""


class HealthCheck(Strict):
    """A health check; without a path, it only connects."""

    http_path: str = ""
    port: int | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 9


class Part(Strict):
    """A service, a worker or a job."""

    name: str
    image: Image
    run_command: str = ""
    schedule: dict[str, str] = {}
    kind: Literal["PRE_DEPLOY", "POST_DEPLOY", "FAILED_DEPLOY", "SCHEDULED"] = "PRE_DEPLOY"
    http_port: int = 8080
    instance_count: int = 1
    instance_size_slug: str
    health_check: HealthCheck | None = None
    termination: dict[str, int] = {}
    envs: list[Variable] = []
    autoscaling: dict[str, Any] | None = None
    alerts: list[dict[str, Any]] = []


class Database(Strict):
    """A database of the app."""

    name: str
    engine: Literal["PG", "VALKEY", "REDIS"]
    version: str
    production: bool = False
    cluster_name: str = ""
    db_name: str = ""
    db_user: str = ""


class File(Strict):
    """The whole file."""

    name: str
    region: str
    domains: list[dict[str, str]] = []
    envs: list[Variable] = []
    services: list[Part]
    workers: list[Part] = []
    jobs: list[Part] = []
    databases: list[Database] = []
    ingress: dict[str, Any] = {}
    alerts: list[dict[str, Any]] = []


def files(project: Project, options: Options) -> dict[str, str]:
    """Return the image's files and the app spec. Raises ``DeployError`` for SQLite and for a volume."""
    if options.database == "sqlite":
        raise DeployError(
            "SQLite cannot be used on App Platform: its containers have no volumes, so the database would be empty after each "
            "release, and each container would have another one.",
            "matt deploy init digitalocean --database postgresql",
            "matt deploy init compose --database sqlite   # on a Droplet",
        )
    if options.uploads == "volume":
        raise DeployError(
            "App Platform has no volumes for uploaded files.",
            "matt deploy init digitalocean --uploads bucket",
        )
    plain = _plain(project, options)
    text = render(
        SOURCES / "app.yaml.txt",
        q_name=quoted(options.name),
        q_region=quoted(options.region),
        q_domain=quoted(options.domain),
        q_size=quoted(options.size),
        q_health=quoted(project.health),
        q_database=quoted(f"{options.name}-database"),
        q_cache=quoted(f"{options.name}-cache"),
        variables=[(name, quoted(value)) for name, value in plain.items()],
        secrets=required_secrets(project, options, plain),
        workers=[(name, quoted(shlex.join(project.workers[name]))) for name in options.workers],
        port=PORT,
        machines=options.machines,
        grace=DRAIN + 5,
        redis=options.redis,
        prunes=project.prunes,
    )
    return {**image_files(project, options), FILE: text}


def _plain(project: Project, options: Options) -> dict[str, str]:
    # DigitalOcean fills in the values of its databases.
    more = {"DATABASE_URL": "${database.DATABASE_URL}"}
    if options.redis:
        more["CACHE_URL"] = "${cache.DATABASE_URL}"
    return plain_variables(project, options, **more)


def environment(files: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the site that are not secret and not filled in by the platform."""
    data = read_yaml(files[FILE], FILE) or {}
    services = data.get("services") or [{}]
    rows = [*(data.get("envs") or []), *(services[0].get("envs") or [])]
    return {
        str(row["key"]): str(row["value"])
        for row in rows
        if row.get("type") != "SECRET" and "${" not in str(row.get("value", "${"))
    }


def check(project: Project, options: Options, files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the app spec."""
    found: list[Diagnostic] = []
    document = read_document(File, read_yaml(files[FILE], FILE), FILE, found)
    yield from found
    if document is None:
        return
    rows = [*document.envs, *(each for service in document.services for each in service.envs)]
    variables = {each.key: each for each in rows}
    required = ("ALLOWED_HOSTS",) if project.reads("ALLOWED_HOSTS") else ()
    yield from check_variables(
        {name: each.value for name, each in variables.items()}, FILE, required
    )
    for name, each in variables.items():
        if name in project.secrets and each.type != "SECRET" and "${" not in each.value:
            yield problem(
                f"{FILE}: {name} is not of the type SECRET.",
                "Everybody who sees the app in DigitalOcean's panel would read it.",
                "type: SECRET, without a value",
            )
        if each.type == "SECRET" and each.value and not each.value.startswith("EV["):
            yield problem(
                f"{FILE}: the secret {name} has a value.",
                "Files are in the repository, where a secret stays after it was deleted.",
                f"Remove it: matt deploy secrets digitalocean {name} --run",
            )
    if document.region not in REGIONS:
        yield problem(
            f"{FILE}: there is no region {document.region!r}.{common.suggest(document.region, list(REGIONS))}",
            "DigitalOcean refuses it.",
            f"One of {', '.join(REGIONS)}",
        )
    for service in document.services:
        yield from _check_service(project, service)
    jobs = [
        job for job in document.jobs if job.kind == "PRE_DEPLOY" and "migrate" in job.run_command
    ]
    if not jobs:
        yield problem(
            f"{FILE} has no job PRE_DEPLOY that migrates.",
            "The new release would run on the tables of the old one.",
            "matt deploy init digitalocean",
        )
    if variables.get("DATABASE_URL", Variable(key="")).value.startswith("sqlite"):
        yield problem(
            f"{FILE}: DATABASE_URL is a file.",
            "Containers of App Platform have no volumes: it would be empty after each release.",
            "${database.DATABASE_URL}",
        )
    elif (
        not any(each.engine == "PG" for each in document.databases)
        and "DATABASE_URL" not in variables
    ):
        yield problem(
            f"{FILE} has no database.",
            "The project does not start without one.",
            "matt deploy init digitalocean",
        )
    for database in document.databases:
        if not database.production:
            yield problem(
                f"{FILE}: the database {database.name} is one for development.",
                "It has no backups and no standby.",
                "production: true",
            )


def _check_service(project: Project, service: Part) -> Iterator[Diagnostic]:
    place = f"{FILE}: {service.name}"
    health = service.health_check
    if service.http_port != PORT or (health and health.port not in {None, PORT}):
        yield problem(
            f"{place} listens on {service.http_port}{f', its health check on {health.port}' if health and health.port else ''}.",
            f"The server in the image listens on {PORT}, so every request would fail.",
            f"http_port: {PORT}",
        )
    if health is None or health.http_path != project.health:
        yield problem(
            f"{place}: its health check does not ask {project.health}.",
            "The old release would end before the new one can answer.",
            f'http_path: "{project.health}"',
        )
    if service.termination.get("grace_period_seconds", 120) < DRAIN:
        yield problem(
            f"{place} has {service.termination['grace_period_seconds']} seconds to end.",
            f"The server finishes requests for up to {DRAIN} seconds.",
            f"grace_period_seconds: {DRAIN + 5}",
        )
    if service.instance_count < 2 and not service.autoscaling:
        yield problem(
            f"{place} is one container.",
            "A failure of its host is an outage.",
            "instance_count: 2",
            doubtful=True,
        )


def _image(options: Options, release: str) -> str:
    return f"registry.digitalocean.com/{options.registry}/{options.name}:{release}"


def commands(project: Project, options: Options, verb: Verb, release: str) -> list[Command]:
    """Return the commands of docker and doctl."""
    if verb == "status":
        return (
            [Command("Show the app", ("doctl", "apps", "list-deployments", _app(options)))]
            if options.app_id
            else [Command("Show all apps", ("doctl", "apps", "list"))]
        )
    # The spec on standard input has the tag of the release, and the secrets that the app has already.
    spec = _spec(project, options, {}, release)
    argv = ("doctl", "apps", "update", _app(options), "--spec", "-", "--wait")
    update = Command("Migrate, and replace the containers", argv, spec)
    if verb == "rollback":
        return [update]
    image = _image(options, release)
    return [
        Command(
            "Sign docker in to the registry",
            ("doctl", "registry", "login", "--expiry-seconds", "3600"),
        ),
        Command(
            "Build the image",
            (
                "docker",
                "build",
                "--platform",
                "linux/amd64",
                "--file",
                DOCKERFILE,
                "--build-arg",
                f"RELEASE={release}",
                "--tag",
                image,
                ".",
            ),
        ),
        Command("Push it", ("docker", "push", image)),
        update,
    ]


def _app(options: Options) -> str:
    if not options.app_id:
        raise DeployError(
            "The ID of the app is not known. Sending its secrets makes the app; then name it:",
            "matt deploy secrets digitalocean --run",
            "doctl apps list --format ID,Spec.Name",
            "matt deploy init digitalocean --app-id …",
        )
    return options.app_id


def _spec(
    project: Project, options: Options, values: Mapping[str, str], release: str
) -> Callable[[Ask], str]:
    def spec(ask: Ask) -> str:
        text = (project.folder / FILE).read_text(encoding="utf-8")
        data = read_yaml(text, FILE)
        now = (
            read_yaml(ask(("doctl", "apps", "spec", "get", options.app_id)), "the app")
            if options.app_id
            else {}
        )
        # An empty answer has no values to keep; without them the app would lose its secrets.
        if not isinstance(now, dict):
            raise DeployError(f"doctl knows no app {options.app_id}.", "doctl apps list")
        kept = {row["key"]: row for row in now.get("envs") or [] if row.get("type") == "SECRET"}
        rows = {row["key"]: row for row in data.setdefault("envs", [])}
        for name in {**kept, **values}:
            row = rows.setdefault(name, {"key": name, "scope": "RUN_TIME", "type": "SECRET"})
            row["value"] = values.get(name) or kept[name].get("value", "")
        data["envs"] = list(rows.values())
        if release:
            for part in (*data["services"], *data.get("workers", []), *data.get("jobs", [])):
                part["image"] = {**part["image"], "tag": release}
        elif now:
            # Secrets alone: everything else stays as it is now.
            data = {
                **now,
                "envs": list(
                    {
                        **{row["key"]: row for row in now.get("envs") or []},
                        **{n: rows[n] for n in values},
                    }.values()
                ),
            }
        return json.dumps(data)

    return spec


def generate(project: Project, options: Options) -> dict[str, str]:
    """Return nothing: DigitalOcean fills in the URLs of its databases."""
    return {}


def stored(project: Project, options: Options) -> set[str]:
    """Return nothing: only the tool knows."""
    return set()


def send(project: Project, options: Options, values: Mapping[str, str]) -> list[Command]:
    """Return the command that sends the app's spec with the values, which DigitalOcean encrypts.

    Without an app it makes one, whose first deployment fails, as there is no image yet.
    """
    spec = _spec(project, options, values, "")
    if not options.app_id:
        return [
            Command(
                "Make the app, with its secrets", ("doctl", "apps", "create", "--spec", "-"), spec
            )
        ]
    argv = ("doctl", "apps", "update", options.app_id, "--spec", "-")
    return [Command(f"Send {', '.join(values)}", argv, spec)]
