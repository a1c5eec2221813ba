"""``fly``: machines of Fly.io. PostgreSQL by its URL, or SQLite on the volume of one machine."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from django_matt.cli.diagnostics import Diagnostic
from django_matt.contrib.deploy import options as common
from django_matt.contrib.deploy.documents import (
    Strict,
    check_variables,
    problem,
    read_document,
    read_toml,
)
from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.images import (
    DOCKERFILE,
    DRAIN,
    IGNORED,
    SOURCES,
    image_files,
    server,
)
from django_matt.contrib.deploy.projects import PORT, Project
from django_matt.contrib.deploy.targets import Ask, Command, Verb, plain_variables, quoted
from django_matt.generation.templates import render

__all__ = ["Options", "check", "commands", "environment", "files", "generate", "send", "stored"]

title = "Fly.io"
tool = "fly"
install = "https://fly.io/docs/flyctl/install/"
signed_in: tuple[str, ...] = ("fly", "auth", "whoami")
sign_in = "fly auth login"
probes_by_address = False
made_by_platform: tuple[str, ...] = ()
FILE = "fly.toml"
MIGRATE = "python manage.py migrate --no-input"
DAILY = "while :; do python manage.py matt_prune; sleep 86400; done"
REGIONS = (
    "ams", "arn", "bom", "cdg", "dfw", "ewr", "fra", "gru", "iad", "jnb", "lax", "lhr", "nrt",
    "ord", "sin", "sjc", "syd", "yyz",
)  # fmt: skip
"""What `fly platform regions` lists."""


class Options(common.Options):
    """The options of this target."""

    region: str = Field(default="fra", description="Region: `fly platform regions` lists them.")
    machines: Annotated[int, Field(ge=1, le=20)] = Field(
        default=0, validate_default=False, description="Machines of the site: 1 for SQLite, else 2."
    )
    size: str = Field(default="shared-cpu-1x", description="Size of a machine.")
    memory: str = Field(
        default="512mb", pattern=r"^\d+(mb|gb)$", description="Memory of a machine."
    )

    @field_validator("region")
    @classmethod
    def _is_known(cls, region: str) -> str:
        if region not in REGIONS:
            raise ValueError(
                f"is not a region.{common.suggest(region, list(REGIONS))} Known are {', '.join(REGIONS)}"
            )
        return region

    @property
    def count(self) -> int:
        """The number of machines of the site."""
        return self.machines or (1 if self.database == "sqlite" else 2)


class Check(Strict):
    """A health check."""

    method: str = "GET"
    path: str
    interval: str
    timeout: str
    grace_period: str = "5s"
    headers: dict[str, str] = {}


class Service(Strict):
    """What Fly's proxy sends to the machines."""

    internal_port: int
    force_https: bool = False
    auto_stop_machines: Literal["off", "stop", "suspend"] = "off"
    auto_start_machines: bool = True
    min_machines_running: int = 0
    processes: list[str] = ["app"]
    concurrency: dict[str, Any] = {}
    checks: list[Check] = []


class Mount(Strict):
    """A volume, one for each machine."""

    source: str
    destination: str
    processes: list[str] = []
    initial_size: str = "1gb"
    snapshot_retention: int = 5
    auto_extend_size_threshold: int | None = None
    auto_extend_size_increment: str | None = None
    auto_extend_size_limit: str | None = None


class Build(Strict):
    """How the image is built."""

    dockerfile: str = ""
    ignorefile: str = ""
    image: str = ""
    args: dict[str, str] = {}


class Deploy(Strict):
    """How a release replaces the last one."""

    strategy: Literal["rolling", "bluegreen", "canary", "immediate"] = "rolling"
    release_command: str = ""
    release_command_timeout: str = "5m"
    max_unavailable: float | None = None
    wait_timeout: str = "5m"


class File(Strict):
    """The whole file."""

    app: str
    primary_region: str
    kill_signal: str = "SIGINT"
    kill_timeout: int = 5
    build: Build = Build()
    deploy: Deploy = Deploy()
    env: dict[str, str] = {}
    processes: dict[str, str] = {}
    http_service: Service
    mounts: list[Mount] = []
    vm: list[dict[str, Any]] = []


def files(project: Project, options: Options) -> dict[str, str]:
    """Return the image's files and fly.toml. Raises ``DeployError`` for SQLite on two machines, or with a worker."""
    is_sqlite = options.database == "sqlite"
    if is_sqlite and options.count > 1:
        raise DeployError(
            f"SQLite cannot be used on {options.count} machines: each has a volume of its own, and so a database of its own.",
            "matt deploy init fly --machines 1",
            "matt deploy init fly --database postgresql",
        )
    if is_sqlite and options.workers:
        raise DeployError(
            f"SQLite cannot be used with the workers {', '.join(options.workers)}: Fly runs them on other machines, which do not "
            "have the volume with the database.",
            "matt deploy init fly --database postgresql",
        )
    if options.uploads == "volume" and options.count > 1:
        raise DeployError(
            f"Uploaded files cannot be on a volume with {options.count} machines: each would have some of them.",
            "matt deploy init fly --uploads bucket",
        )
    has_volume = is_sqlite or options.uploads == "volume"
    more = {"DATABASE_URL": "sqlite:////data/db.sqlite3"} if is_sqlite else {}
    if options.uploads != "bucket" and has_volume:
        more["STORAGE_URL"] = "file:///data/media"
    serve = shlex.join(server(project))
    processes = {name: shlex.join(project.workers[name]) for name in options.workers}
    start = f"{MIGRATE} && exec {serve}"
    if project.prunes and is_sqlite:
        # Another process would be another machine, without the volume.
        start = f"{MIGRATE} && {{ ({DAILY}) & exec {serve}; }}"
    elif project.prunes:
        processes["daily"] = f"sh -c {shlex.quote(DAILY)}"
    text = render(
        SOURCES / "fly.toml.txt",
        q_name=quoted(options.name),
        q_region=quoted(options.region),
        q_health=quoted(project.health),
        q_domain=quoted(options.domain),
        q_size=quoted(options.size),
        q_memory=quoted(options.memory),
        grace=DRAIN + 5,
        postgresql=not is_sqlite,
        variables=[(n, quoted(v)) for n, v in plain_variables(project, options, **more).items()],
        app_process=quoted(f"sh -c {shlex.quote(start)}" if is_sqlite else serve),
        workers=[(name, quoted(command)) for name, command in processes.items()],
        port=PORT,
        machines=options.count,
        volume=has_volume,
    )
    return {**image_files(project, options), FILE: text}


def environment(files: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the site."""
    found: dict[str, str] = read_toml(files[FILE], FILE).get("env", {})
    return found


def check(project: Project, options: Options, files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with fly.toml."""
    found: list[Diagnostic] = []
    document = read_document(File, read_toml(files[FILE], FILE), FILE, found)
    yield from found
    if document is None:
        return
    service = document.http_service
    required = ("ALLOWED_HOSTS",) if project.reads("ALLOWED_HOSTS") else ()
    yield from check_variables(document.env, FILE, required)
    if document.primary_region not in REGIONS:
        yield problem(
            f"{FILE}: there is no region {document.primary_region!r}.{common.suggest(document.primary_region, list(REGIONS))}",
            "Fly refuses it.",
            "fly platform regions",
        )
    if service.internal_port != PORT:
        yield problem(
            f"{FILE}: internal_port is {service.internal_port}.",
            f"The server in the image listens on {PORT}, so every request would fail.",
            f"internal_port = {PORT}",
        )
    if not service.force_https:
        yield problem(
            f"{FILE}: force_https is off.",
            "Passwords would be sent over plain HTTP.",
            "force_https = true",
        )
    if project.health not in {each.path for each in service.checks}:
        yield problem(
            f"{FILE}: no check asks {project.health}.",
            "Fly would send requests to a machine that cannot answer yet, and end the old one.",
            f'path = "{project.health}"',
        )
    for each in service.checks:
        if required and "Host" not in each.headers:
            yield problem(
                f"{FILE}: the check of {each.path} names no Host.",
                "Fly asks by an address, which is not in ALLOWED_HOSTS: the answer would be 400.",
                f'[http_service.checks.headers] Host = "{options.domain}"',
            )
    yield from _check_release(document)
    yield from _check_data(project, options, document)
    if (document.build.dockerfile, document.build.ignorefile) != (DOCKERFILE, IGNORED):
        yield problem(
            f"{FILE}: the image is built from {document.build.dockerfile or document.build.image or 'nothing'}, without {IGNORED}.",
            "What `matt deploy check` proves is another image.",
            f'dockerfile = "{DOCKERFILE}", ignorefile = "{IGNORED}"',
        )


def _check_release(document: File) -> Iterator[Diagnostic]:
    served = document.processes.get("app", "")
    if "migrate" not in document.deploy.release_command and "manage.py migrate" not in served:
        yield problem(
            f"{FILE}: no release migrates.",
            "The new release would run on the tables of the old one.",
            f'release_command = "{MIGRATE}"',
        )
    if document.kill_signal != "SIGTERM" or document.kill_timeout < DRAIN:
        yield problem(
            f"{FILE}: machines end by {document.kill_signal} after {document.kill_timeout} seconds.",
            f"After SIGTERM, the server finishes requests for up to {DRAIN} seconds. Otherwise they are cut off.",
            f'kill_signal = "SIGTERM", kill_timeout = {DRAIN + 5}',
        )
    if served.startswith("sh -c") and " exec " not in served:
        yield problem(
            f"{FILE}: the server of `app` is a child of a shell.",
            "A shell does not pass SIGTERM on.",
            "sh -c '… && exec granian …'",
        )
    if document.deploy.strategy == "immediate":
        yield problem(
            f"{FILE}: strategy is immediate.",
            "All machines would be down at once.",
            'strategy = "rolling"',
        )


def _check_data(project: Project, options: Options, document: File) -> Iterator[Diagnostic]:
    url = document.env.get("DATABASE_URL", "")
    is_sqlite = url.startswith("sqlite") or (options.database == "sqlite" and not url)
    paths = [
        path
        for path in (
            url.partition("sqlite:///")[2],
            document.env.get("STORAGE_URL", "").partition("file://")[2],
        )
        if path
    ]
    places = [
        mount.destination.rstrip("/")
        for mount in document.mounts
        if not mount.processes or "app" in mount.processes
    ]
    if not all(any(path.startswith(f"{place}/") for place in places) for path in paths) or (
        is_sqlite and not places
    ):
        yield problem(
            f"{FILE}: no volume is mounted where {' and '.join(paths) or 'the database file'} is.",
            "A machine's own disk is empty again after each release.",
            '[[mounts]] source = "data", destination = "/data"',
        )
    count = document.http_service.min_machines_running
    if is_sqlite and count > 1:
        yield problem(
            f"{FILE}: SQLite on {count} machines.",
            "Each machine has a volume of its own, and so a database of its own.",
            "min_machines_running = 1, or PostgreSQL",
        )
    if is_sqlite and len(document.processes) > 1:
        yield problem(
            f"{FILE}: SQLite with the processes {', '.join(document.processes)}.",
            "Each process has machines of its own, which do not have the volume of `app`.",
            "matt deploy init fly --database postgresql",
        )
    if is_sqlite and document.deploy.release_command:
        yield problem(
            f"{FILE}: release_command with SQLite.",
            "Its machine has no volume: it would migrate a new, empty file.",
            "Remove release_command; `app` migrates before it serves.",
        )
    if places and document.deploy.strategy in {"bluegreen", "canary"}:
        yield problem(
            f"{FILE}: strategy {document.deploy.strategy} with a volume.",
            "Fly refuses it, because a volume belongs to one machine.",
            'strategy = "rolling"',
        )
    if count < 2 and not is_sqlite:
        yield problem(
            f"{FILE}: one machine serves the site.",
            "Each release, and each failure of its host, is an outage.",
            "min_machines_running = 2",
            doubtful=True,
        )


def commands(project: Project, options: Options, verb: Verb, release: str) -> list[Command]:
    """Return the commands of flyctl."""
    app = ("--app", options.name)
    if verb == "status":
        return [Command("Show the machines", ("fly", "status", *app))]
    deploy = ("fly", "deploy", "--config", FILE, *app, "--yes")
    if verb == "rollback":
        image = f"registry.fly.io/{options.name}:{release}"
        return [Command("Release the image of before", (*deploy, "--image", image))]
    argv = (
        *deploy,
        "--image-label",
        release,
        "--build-arg",
        f"RELEASE={release}",
        f"--ha={json.dumps(options.count > 1)}",
    )
    return [
        Command("Build the image, migrate, and replace the machines one after the other", argv),
        *(
            [
                Command(
                    "Have as many machines as are wanted",
                    ("fly", "scale", "count", f"app={options.count}", *app, "--yes"),
                )
            ]
            if options.count > 1
            else []
        ),
    ]


def generate(project: Project, options: Options) -> dict[str, str]:
    """Return nothing: Fly gives out the URLs of its databases."""
    return {}


def stored(project: Project, options: Options) -> set[str]:
    """Return nothing: only the tool knows."""
    return set()


def send(project: Project, options: Options, values: Mapping[str, str]) -> list[Command]:
    """Return the command that sends all secrets at once. The next release uses them."""
    for name, value in values.items():
        # flyctl reads a kind of dotenv file, and keeps what is between three quotes.
        if '"' in value or value.endswith("\\"):
            raise DeployError(
                f'The value of {name} has a " or ends with \\, which `fly secrets import` may change. Choose another one.'
            )

    def lines(_: Ask) -> str:
        return "".join(f'{name}="""{value}"""\n' for name, value in values.items())

    argv = ("fly", "secrets", "import", "--stage", "--app", options.name)
    return [Command(f"Send {', '.join(values)}", argv, lines)]
