"""``aws-lambda``: the site as a function of Lambda behind API Gateway, with the database and secrets of ``aws``."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from django_matt.cli.diagnostics import Diagnostic
from django_matt.contrib.deploy.documents import check_variables, problem, read_yaml
from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.images import SOURCES
from django_matt.contrib.deploy.projects import PORT, Project
from django_matt.contrib.deploy.targets import Command, Verb, aws, required_secrets
from django_matt.generation.templates import render

__all__ = ["Options", "check", "commands", "environment", "files", "generate", "send", "stored"]

title = "AWS: Lambda"
tool, install = aws.tool, aws.install
signed_in, sign_in = aws.signed_in, aws.sign_in
made_by_platform = aws.made_by_platform
probes_by_address = False
generate, send, stored = aws.generate, aws.send, aws.stored
TEMPLATE, DOCKERFILE = "deploy/aws/lambda.yaml", "deploy/aws/lambda.Dockerfile"
ADAPTER = "0.9.1"


class Options(aws.Options):
    """The options of this target."""

    certificate: str = Field(
        pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]{36}$",
        description="Certificate of the domain, in the same region: `aws acm list-certificates`.",
    )
    function_memory: Annotated[int, Field(ge=256, le=10_240)] = Field(
        default=1024, description="Memory of the function, in MiB; its CPU grows with it."
    )


def files(project: Project, options: Options) -> dict[str, str]:
    """Return the files. Raises ``DeployError`` for what a function cannot do."""
    if options.database == "sqlite":
        raise DeployError(
            "SQLite cannot be used on Lambda: a function has no disk that stays, and each of its copies would have a database of "
            "its own.",
            "matt deploy init aws-lambda --database postgresql",
            "matt deploy init compose --database sqlite   # on a machine of EC2",
        )
    if options.uploads == "volume":
        raise DeployError(
            "A function of Lambda has no volume for uploaded files.",
            "matt deploy init aws-lambda --uploads bucket",
        )
    if options.workers:
        raise DeployError(
            f"Lambda cannot run {', '.join(options.workers)}: a function runs while it answers a request, and is frozen until the next one.",
            "matt deploy init aws   # ECS runs workers too",
            'matt deploy init aws-lambda --workers ""   # without them',
        )
    return {
        **aws.stack_files(project, options, TEMPLATE),
        DOCKERFILE: render(SOURCES / "lambda.Dockerfile.txt", adapter=ADAPTER),
    }


def _site(files: Mapping[str, str]) -> Any:
    resources = (read_yaml(files[TEMPLATE], TEMPLATE) or {}).get("Resources", {})
    found = [each for each in resources.values() if each.get("Type") == "AWS::Lambda::Function"]
    return found[0].get("Properties", {}) if found else None


def _variables(site: Any) -> dict[str, Any]:
    found: dict[str, Any] = (site.get("Environment") or {}).get("Variables") or {}
    return found


def environment(files: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the site that are known here."""
    return {
        name: value
        for name, value in _variables(_site(files) or {}).items()
        if isinstance(value, str) and not _is_resolved(value) and not name.startswith("AWS_LWA_")
    }


def _is_resolved(value: object) -> bool:
    return str(value).startswith("{{resolve:secretsmanager:")


def check(project: Project, options: Options, files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the templates, besides what cfn-lint finds."""
    site = _site(files)
    if site is None:
        yield problem(
            f"{TEMPLATE} has no AWS::Lambda::Function.",
            "Nothing would answer.",
            "matt deploy init aws-lambda",
        )
        return
    variables, plain = _variables(site), environment(files)
    yield from check_variables(
        plain, TEMPLATE, ("ALLOWED_HOSTS",) if project.reads("ALLOWED_HOSTS") else ()
    )
    for name in required_secrets(project, options, {}):
        if name not in variables:
            yield problem(
                f"{TEMPLATE}: {name} is missing.",
                "The project does not start without it.",
                "matt deploy init aws-lambda",
            )
    if plain.get("DATABASE_URL", "").startswith("sqlite"):
        yield problem(
            f"{TEMPLATE}: DATABASE_URL is a file.",
            "A function has no disk that stays: it would be empty again and again.",
            "Remove it: DATABASE_URL is a secret.",
        )
    for name in project.secrets:
        if name in plain and "://" not in plain[name]:
            yield problem(
                f"{TEMPLATE}: the value of {name} is in the file.",
                "Files are in the repository, where a secret stays after it was deleted.",
                "matt deploy init aws-lambda",
            )
    command = (site.get("ImageConfig") or {}).get("Command") or []
    ports = [command[i + 1] for i, each in enumerate(command[:-1]) if each == "--port"]
    if ports != [str(PORT)] or str(variables.get("AWS_LWA_PORT")) != str(PORT):
        yield problem(
            f"{TEMPLATE}: the adapter asks port {variables.get('AWS_LWA_PORT')}, and the server listens on {', '.join(ports) or 'an unknown port'}.",
            "The function would never be ready.",
            f'--port {PORT}, and AWS_LWA_PORT: "{PORT}"',
        )
    if int(site.get("Timeout", 3)) > 29:
        yield problem(
            f"{TEMPLATE}: Timeout is {site['Timeout']}.",
            "API Gateway waits 30 seconds; the function would go on for a visitor who has an error already.",
            "Timeout: 29",
        )
    if "/opt/extensions/lambda-adapter" not in files.get(DOCKERFILE, ""):
        yield problem(
            f"{DOCKERFILE} does not add the adapter.",
            "Without it, Lambda's events reach no server.",
            "matt deploy init aws-lambda",
        )
    yield from aws.check_base(project, files)


def commands(project: Project, options: Options, verb: Verb, release: str) -> list[Command]:
    """Return the commands of aws and docker."""
    site = f"{options.name}-site:{release}"
    # Lambda refuses an image with attestations.
    build = ("docker", "build", "--platform", "linux/amd64", "--provenance=false")
    adapt = (*build, "--file", DOCKERFILE, "--build-arg", f"SITE={site}", "--tag")
    builds = [
        aws.build_command(site, release),
        Command("Add the adapter", (*adapt, aws.image_of(options, release), "deploy/aws")),
    ]
    return aws.release_commands(options, verb, release, TEMPLATE, builds)
