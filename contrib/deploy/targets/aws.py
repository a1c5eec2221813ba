"""``aws``: ECS Express, RDS and Secrets Manager by CloudFormation, in two stacks: what stays, and what releases replace."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

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
from django_matt.contrib.deploy.images import DOCKERFILE, DRAIN, SOURCES, image_files, server
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

title = "AWS: ECS Express"
tool = "aws"
install = "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
signed_in: tuple[str, ...] = ("aws", "sts", "get-caller-identity")
sign_in = "aws configure sso && aws sso login"
probes_by_address = True
made_by_platform: tuple[str, ...] = ("SECRET_KEY", "DATABASE_URL", "CACHE_URL")
BASE, SERVICE, MIGRATE = "deploy/aws/base.yaml", "deploy/aws/service.yaml", "deploy/aws/migrate.sh"
REGIONS = (
    "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
    "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-central-1", "ca-west-1",
    "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
    "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
    "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1",
    "us-west-2",
)  # fmt: skip


class Options(common.Options):
    """The options of this target."""

    region: str = Field(default="eu-central-1", description="Region, such as eu-central-1.")
    account: str = Field(
        pattern=r"^\d{12}$",
        description="Number of the account: `aws sts get-caller-identity` shows it.",
    )
    vpc: str = Field(
        pattern=r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$",
        description="VPC of the tasks and the database.",
    )
    subnets: tuple[str, ...] = Field(
        min_length=2, description="Two or more subnets of the VPC, in different zones."
    )
    cpu: str = Field(
        default="512", pattern=r"^(256|512|1024|2048|4096)$", description="CPU units of a task."
    )
    memory: str = Field(default="1024", pattern=r"^\d+$", description="Memory of a task, in MiB.")
    machines: Annotated[int, Field(ge=1, le=50)] = Field(
        default=2, description="Tasks of the site at least."
    )
    database_class: str = Field(
        default="db.t4g.micro", pattern=r"^db\.[a-z0-9.]+$", description="Class of the database."
    )
    standby: bool = Field(
        default=True, description="Keep a standby of the database in another zone."
    )

    migration_minutes: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=60, description="How long a release waits for its migrations, in minutes."
    )

    @field_validator("region")
    @classmethod
    def _is_known(cls, region: str) -> str:
        if region not in REGIONS:
            raise ValueError(f"is not a region.{common.suggest(region, list(REGIONS))}")
        return region

    @field_validator("subnets")
    @classmethod
    def _are_subnets(cls, subnets: tuple[str, ...]) -> tuple[str, ...]:
        for subnet in subnets:
            if not re.fullmatch(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})", subnet):
                raise ValueError(f"has {subnet!r}, which is not the ID of a subnet")
        return subnets


class Pair(Strict):
    """A variable of a container."""

    name: str = Field(alias="Name")
    value: str = Field(alias="Value")


class Secret(Strict):
    """A secret variable of a container, and where its value is."""

    name: str = Field(alias="Name")
    value_from: Any = Field(alias="ValueFrom")


class Container(Strict):
    """The container of the site."""

    image: Any = Field(alias="Image")
    port: int = Field(alias="ContainerPort", default=80)
    environment: list[Pair] = Field(alias="Environment", default=[])
    secrets: list[Secret] = Field(alias="Secrets", default=[])
    logs: dict[str, Any] = Field(alias="AwsLogsConfiguration", default={})
    command: list[str] = Field(alias="Command", default=[])


class Scaling(Strict):
    """How many tasks there are."""

    least: int = Field(alias="MinTaskCount", default=1)
    most: int = Field(alias="MaxTaskCount", default=1)
    metric: str = Field(alias="AutoScalingMetric", default="AVERAGE_CPU")
    value: int = Field(alias="AutoScalingTargetValue", default=60)


class Site(Strict):
    """The properties of AWS::ECS::ExpressGatewayService that are written."""

    service_name: str = Field(alias="ServiceName")
    cluster: str = Field(alias="Cluster")
    cpu: str = Field(alias="Cpu")
    memory: str = Field(alias="Memory")
    health_check_path: str = Field(alias="HealthCheckPath", default="")
    execution_role: Any = Field(alias="ExecutionRoleArn")
    task_role: Any = Field(alias="TaskRoleArn")
    infrastructure_role: Any = Field(alias="InfrastructureRoleArn")
    network: dict[str, Any] = Field(alias="NetworkConfiguration")
    scaling: Scaling = Field(alias="ScalingTarget", default=Scaling())
    container: Container = Field(alias="PrimaryContainer")


def files(project: Project, options: Options) -> dict[str, str]:
    """Return the image's files, two templates, and the script that migrates. Raises ``DeployError`` for SQLite."""
    if options.database == "sqlite":
        raise DeployError(
            "SQLite cannot be used on ECS: its tasks have no volumes, so the database would be empty after each release, and each "
            "task would have another one.",
            "matt deploy init aws --database postgresql",
            "matt deploy init compose --database sqlite   # on a machine of EC2",
        )
    if options.uploads == "volume":
        raise DeployError(
            "Tasks of ECS have no volumes for uploaded files.",
            "matt deploy init aws --uploads bucket",
        )
    return stack_files(project, options, SERVICE)


def stack_files(project: Project, options: Options, service: str) -> dict[str, str]:
    """Return the image's files, the template of what stays, that of what releases replace, and the script that migrates."""
    is_bucket = options.uploads == "bucket"
    role = f"db_{options.name.replace('-', '_')}"
    plain = _plain(project, options)
    names = [
        name
        for name in required_secrets(project, options, plain)
        if name not in {"STORAGE_URL", "CACHE_URL"}
    ]
    image = f"{_registry(options)}/{options.name}"
    outputs = {
        "SiteSecurityGroup": '{ "Fn::GetAtt": [SiteSecurityGroup, GroupId] }',
        "ExecutionRoleArn": '{ "Fn::GetAtt": [ExecutionRole, Arn] }',
        "TaskRoleArn": '{ "Fn::GetAtt": [TaskRole, Arn] }',
        "InfrastructureRoleArn": '{ "Fn::GetAtt": [InfrastructureRole, Arn] }',
        "SiteSecrets": "{ Ref: SiteSecrets }",
        "DatabaseUrl": "{ Ref: DatabaseUrl }",
        "MigrateTask": "{ Ref: Migrate }",
    }
    if options.redis:
        outputs["CacheAddress"] = '{ "Fn::GetAtt": [Cache, PrimaryEndPoint.Address] }'
    values: dict[str, Any] = {
        "name": options.name,
        "account": options.account,
        "region": options.region,
        "role": role,
        "image": image,
        "q_name": quoted(options.name),
        "q_vpc": quoted(options.vpc),
        "q_cpu": quoted(options.cpu),
        "q_memory": quoted(options.memory),
        "q_health": quoted(project.health),
        "q_database_class": quoted(options.database_class),
        "subnets": json.dumps(options.subnets),
        "plain_subnets": ",".join(options.subnets),
        "multi_az": json.dumps(options.standby),
        "bucket": is_bucket,
        "resolved": [
            (name, f"{{{{resolve:secretsmanager:{options.name}/database-url:SecretString}}}}")
            if name == "DATABASE_URL"
            else (name, f"{{{{resolve:secretsmanager:{options.name}/site:SecretString:{name}}}}}")
            for name in names
        ],
        "options": options,
        "command": json.dumps(_single(project)),
        "redis": options.redis,
        "port": PORT,
        "machines": options.machines,
        "most": max(options.machines * 5, 2),
        "grace": DRAIN + 5,
        "outputs": outputs.items(),
        "secrets": [(name, _place(name, imported=False)) for name in names],
        "imported": [(name, _place(name, imported=True, stack=options.name)) for name in names],
        "minutes": options.migration_minutes,
        "prunes": project.prunes,
        "tasks": [
            (name.lower(), name, json.dumps(["python", "manage.py", *arguments]))
            for name, arguments in (
                ("Migrate", ("migrate", "--no-input")),
                ("Daily", ("matt_prune",)),
            )
            if name == "Migrate" or project.prunes
        ],
        "workers": [
            (name, name.title(), json.dumps(project.workers[name])) for name in options.workers
        ],
    }
    base = [(name, quoted(value)) for name, value in plain.items()]
    replaced = list(base)
    if options.redis and project.reads("CACHE_URL"):
        address = quoted("rediss://${address}:6379/0")
        imported = f'{{ "Fn::Sub": [{address}, {{ address: {{ "Fn::ImportValue": {options.name}-CacheAddress }} }}] }}'
        replaced.append(("CACHE_URL", imported))
        base.append(
            (
                "CACHE_URL",
                f'{{ "Fn::Sub": {quoted("rediss://${Cache.PrimaryEndPoint.Address}:6379/0")} }}',
            )
        )
    return {
        **image_files(project, options),
        BASE: render(SOURCES / "base.yaml.txt", **values, variables=base),
        service: render(SOURCES / f"{Path(service).name}.txt", **values, variables=replaced),
        MIGRATE: render(SOURCES / "migrate.sh.txt", **values),
    }


def _plain(project: Project, options: Options) -> dict[str, str]:
    more = {}
    if options.uploads == "bucket":
        # Without a key: boto3 takes the role of the task.
        more["STORAGE_URL"] = (
            f"s3://{options.name}-{options.account}-uploads?region_name={options.region}"
        )
    return plain_variables(project, options, **more)


def _place(name: str, *, imported: bool, stack: str = "") -> str:
    """Return where ECS finds a secret: the URL of the database is one secret, the others are keys of another."""
    output, key = ("DatabaseUrl", "") if name == "DATABASE_URL" else ("SiteSecrets", f":{name}::")
    if not imported:
        return f'{{ "Fn::Sub": {quoted(f"${{{output}}}{key}")} }}'
    place = f'{{ "Fn::ImportValue": {stack}-{output} }}'
    return (
        f'{{ "Fn::Sub": [{quoted(f"${{place}}{key}")}, {{ place: {place} }}] }}' if key else place
    )


def _single(project: Project) -> list[str]:
    """Return the command of a server that gets one request at a time."""
    command = list(server(project))
    command[command.index("--workers") + 1] = "1"
    if project.wsgi:
        command[command.index("--interface") + 1], command[-1] = "wsgi", project.wsgi
    return command


def _registry(options: Options) -> str:
    return f"{options.account}.dkr.ecr.{options.region}.amazonaws.com"


def _site(files: Mapping[str, str]) -> Any:
    resources = (read_yaml(files[SERVICE], SERVICE) or {}).get("Resources", {})
    found = [
        each for each in resources.values() if each.get("Type") == "AWS::ECS::ExpressGatewayService"
    ]
    return found[0].get("Properties", {}) if found else None


def environment(files: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the site that are known here."""
    rows = ((_site(files) or {}).get("PrimaryContainer") or {}).get("Environment") or []
    return {row["Name"]: row["Value"] for row in rows if isinstance(row.get("Value"), str)}


def check(project: Project, options: Options, files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the templates, besides what cfn-lint finds."""
    properties = _site(files)
    if properties is None:
        yield problem(
            f"{SERVICE} has no AWS::ECS::ExpressGatewayService.",
            "Nothing would answer.",
            "matt deploy init aws",
        )
        return
    # What CloudFormation fills in is text for the model.
    for row in (properties.get("PrimaryContainer") or {}).get("Environment") or []:
        row["Value"] = row["Value"] if isinstance(row.get("Value"), str) else "filled in"
    found: list[Diagnostic] = []
    site = read_document(Site, properties, SERVICE, found)
    yield from found
    if site is not None:
        variables = {each.name: each.value for each in site.container.environment}
        yield from check_variables(
            variables, SERVICE, ("ALLOWED_HOSTS",) if project.reads("ALLOWED_HOSTS") else ()
        )
        yield from _check_site(project, options, site, variables)
    yield from check_base(project, files)


def _check_site(
    project: Project, options: Options, site: Site, variables: Mapping[str, str]
) -> Iterator[Diagnostic]:
    if site.container.port != PORT:
        yield problem(
            f"{SERVICE}: ContainerPort is {site.container.port}.",
            f"The server in the image listens on {PORT}, so every request would fail.",
            f"ContainerPort: {PORT}",
        )
    if site.health_check_path != project.health:
        yield problem(
            f"{SERVICE}: HealthCheckPath is {site.health_check_path or 'missing'}, not {project.health}.",
            "The old tasks would end before the new ones can answer, or the new ones would never be healthy.",
            f"HealthCheckPath: {project.health}",
        )
    for name in project.secrets:
        if (
            name in variables
            and name != "STORAGE_URL"
            and "://" not in variables[name]
            and variables[name] != "filled in"
        ):
            yield problem(
                f"{SERVICE}: {name} is an ordinary variable.",
                "Everybody who may see the service in the console would read it.",
                "Move it to Secrets.",
            )
    if variables.get("DATABASE_URL", "").startswith("sqlite"):
        yield problem(
            f"{SERVICE}: DATABASE_URL is a file.",
            "Tasks have no volumes: it would be empty after each release.",
            "Remove it: DATABASE_URL is a secret.",
        )
    given = {each.name for each in site.container.secrets} | set(variables)
    for name in required_secrets(project, options, variables):
        if name not in given:
            yield problem(
                f"{SERVICE}: {name} is missing.",
                "The project does not start without it.",
                "matt deploy init aws",
            )
    if site.scaling.least < 2:
        yield problem(
            f"{SERVICE}: one task serves the site.",
            "A failure of its zone is an outage.",
            "MinTaskCount: 2",
            doubtful=True,
        )


def check_base(project: Project, files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the template of what stays, and with the script that migrates."""
    base = read_yaml(files[BASE], BASE) or {}
    if "Migrate" not in base.get("Resources", {}) or "run-task" not in files.get(MIGRATE, ""):
        yield problem(
            f"{BASE} and {MIGRATE} do not migrate.",
            "The new release would run on the tables of the old one.",
            "matt deploy init aws",
        )
    yield from _check_resources(base.get("Resources", {}))


def _check_resources(resources: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource.get("Type") == "AWS::RDS::DBInstance":
            wanted = {
                "PubliclyAccessible": False,
                "StorageEncrypted": True,
                "DeletionProtection": True,
            }
            for key, value in wanted.items():
                if properties.get(key) is not value:
                    yield problem(
                        f"{BASE}: {name} has {key}: {json.dumps(properties.get(key))}.",
                        "The database has everything that the site knows.",
                        f"{key}: {json.dumps(value)}",
                    )
            if not properties.get("BackupRetentionPeriod"):
                yield problem(
                    f"{BASE}: {name} has no backups.",
                    "A mistake could not be undone.",
                    "BackupRetentionPeriod: 14",
                )
            if isinstance(properties.get("MasterUserPassword"), str):
                yield problem(
                    f"{BASE}: the password of {name} is in the file.",
                    "Files are in the repository.",
                    "MasterUserPassword: { Fn::Sub: '{{resolve:secretsmanager:…}}' }",
                )
        for definition in properties.get("ContainerDefinitions", []):
            if not definition.get("ReadonlyRootFilesystem"):
                yield problem(
                    f"{BASE}: {name} may write to its root file system.",
                    "What changes there is lost, and can be misused until then.",
                    "ReadonlyRootFilesystem: true",
                )


def commands(project: Project, options: Options, verb: Verb, release: str) -> list[Command]:
    """Return the commands of aws and docker."""
    image = image_of(options, release)
    return release_commands(options, verb, release, SERVICE, [build_command(image, release)])


def image_of(options: Options, release: str) -> str:
    """Return the name of the image of a release in the account's registry."""
    return f"{_registry(options)}/{options.name}:{release}"


def build_command(tag: str, release: str) -> Command:
    """Return the command that builds the image of the site."""
    platform = ("docker", "build", "--platform", "linux/amd64", "--file", DOCKERFILE)
    label = ("--build-arg", f"RELEASE={release}")
    return Command("Build the image", (*platform, *label, "--tag", tag, "."))


def release_commands(
    options: Options, verb: Verb, release: str, template: str, builds: Sequence[Command]
) -> list[Command]:
    """Return the commands of a release of two stacks, of which ``template`` is the one that is replaced."""
    region = ("--region", options.region)
    if verb == "status":
        query = (
            "aws",
            "cloudformation",
            "describe-stacks",
            "--stack-name",
            f"{options.name}-service",
            *region,
        )
        return [Command("Show the stack of the site", query)]
    deploy = (
        "aws",
        "cloudformation",
        "deploy",
        *region,
        "--no-fail-on-empty-changeset",
        "--parameter-overrides",
        f"Release={release}",
    )
    service = Command(
        "Replace the site and the workers",
        (*deploy, "--stack-name", f"{options.name}-service", "--template-file", template),
    )
    if verb == "rollback":
        return [service]

    def password(ask: Ask) -> str:
        return ask(("aws", "ecr", "get-login-password", *region))

    return [
        Command(
            "Bring what stays up to date: database, secrets, roles",
            (
                *deploy,
                "--stack-name",
                f"{options.name}-base",
                "--template-file",
                BASE,
                "--capabilities",
                "CAPABILITY_IAM",
            ),
        ),
        Command(
            "Sign docker in to the registry",
            ("docker", "login", "--username", "AWS", "--password-stdin", _registry(options)),
            password,
        ),
        *builds,
        Command("Push it", ("docker", "push", image_of(options, release))),
        Command("Migrate", ("sh", MIGRATE)),
        service,
    ]


def generate(project: Project, options: Options) -> dict[str, str]:
    """Return nothing: CloudFormation makes SECRET_KEY and the password of the database."""
    return {}


def stored(project: Project, options: Options) -> set[str]:
    """Return nothing: only the tool knows."""
    return set()


def send(project: Project, options: Options, values: Mapping[str, str]) -> list[Command]:
    """Return the command that adds the values to the secret of the site."""
    if "DATABASE_URL" in values:
        raise DeployError(
            "CloudFormation makes DATABASE_URL, with a password that nobody sees. Do not send it."
        )
    name = f"{options.name}/site"
    region = ("--region", options.region)

    def document(ask: Ask) -> str:
        now = ask(
            (
                "aws",
                "secretsmanager",
                "get-secret-value",
                "--secret-id",
                name,
                "--query",
                "SecretString",
                "--output",
                "text",
                *region,
            )
        )
        return json.dumps({**json.loads(now), **values})

    argv = (
        "aws",
        "secretsmanager",
        "put-secret-value",
        "--secret-id",
        name,
        "--secret-string",
        "file:///dev/stdin",
        *region,
    )
    return [Command(f"Send {', '.join(values)}", argv, document)]
