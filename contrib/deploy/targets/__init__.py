"""The targets: each is a module with its options, its files, what is wrong with them, and the commands of its tool."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol, cast

from django_matt.cli.diagnostics import Diagnostic
from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.options import Options, suggest
from django_matt.contrib.deploy.projects import Project

__all__ = [
    "GROUP",
    "Ask",
    "Command",
    "Target",
    "Verb",
    "find_target",
    "plain_variables",
    "quoted",
    "required_secrets",
    "target_names",
]

GROUP = "django_matt.deploy"
"""The group of entry points that add targets: the name of the target, and its module."""
OURS = ("compose", "fly", "digitalocean", "aws", "aws-lambda")
Verb = Literal["run", "rollback", "status"]
Ask = Callable[[Sequence[str]], str]
"""Runs a command, and returns what it prints."""
_PARTS = (
    *("title", "tool", "install", "signed_in", "sign_in"),
    *("probes_by_address", "made_by_platform", "Options"),
)
_FUNCTIONS = ("files", "check", "environment", "commands", "generate", "send", "stored")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the platform's tool. ``argv`` never contains a secret."""

    why: str
    argv: tuple[str, ...]
    stdin: Callable[[Ask], str] | None = None
    """Returns what the command gets on its standard input, when it is its turn."""


class Target(Protocol):
    """What a module of a target contains."""

    title: str
    tool: str
    """The executable of the platform."""
    install: str
    """Where the tool comes from."""
    signed_in: tuple[str, ...]
    """A command that fails if the user has not signed in; empty if there is nothing to sign in to."""
    sign_in: str
    """What the user then types."""
    probes_by_address: bool
    """Whether its load balancer asks containers by their address, which Django refuses as a host."""
    made_by_platform: tuple[str, ...]
    """The secrets that the platform itself makes."""
    Options: type[Options]

    def files(self, project: Project, options: Any) -> dict[str, str]:
        """Return the text of each file, by its path in the project. Raises ``DeployError`` for what cannot work."""
        ...

    def check(
        self, project: Project, options: Any, files: Mapping[str, str]
    ) -> Iterator[Diagnostic]:
        """Yield what is wrong with the files as they are now."""
        ...

    def environment(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that the files set for the site."""
        ...

    def commands(self, project: Project, options: Any, verb: Verb, release: str) -> list[Command]:
        """Return the commands of a verb; ``release`` is the tag of the image."""
        ...

    def generate(self, project: Project, options: Any) -> dict[str, str]:
        """Return new values of the secrets that can be made up, such as a password that both sides get from us."""
        ...

    def stored(self, project: Project, options: Any) -> set[str]:
        """Return the names of the secrets that the platform is known to have, without asking its tool."""
        ...

    def send(self, project: Project, options: Any, values: Mapping[str, str]) -> list[Command]:
        """Return the commands that send secrets to the platform, by standard input."""
        ...


def target_names() -> list[str]:
    """Return the names of all targets."""
    return [*OURS, *sorted(entry.name for entry in entry_points(group=GROUP))]


def find_target(name: str) -> Target:
    """Return the module of a target. Raises ``DeployError`` if there is none, or if it is not complete."""
    if name in OURS:
        module: Any = import_module(f"django_matt.contrib.deploy.targets.{name.replace('-', '_')}")
        return cast("Target", module)
    entry = next((each for each in entry_points(group=GROUP) if each.name == name), None)
    if entry is None:
        known = target_names()
        raise DeployError(
            f"There is no target {name!r}.{suggest(name, known)} Known are {', '.join(known)}."
        )
    try:
        module = entry.load()
    except Exception as error:
        raise DeployError(
            f"The target {name!r} ({entry.value}) cannot be loaded: {error!r}."
        ) from error
    lacking = [part for part in (*_PARTS, *_FUNCTIONS) if not hasattr(module, part)]
    if lacking:
        raise DeployError(f"The target {name!r} ({entry.value}) lacks {', '.join(lacking)}.")
    return cast("Target", module)


def plain_variables(project: Project, options: Options, **more: str) -> dict[str, str]:
    """Return the values of the variables that are not secret; only those that the project reads."""
    values = {
        "DEBUG": "false",
        "ALLOWED_HOSTS": options.domain,
        "HTTPS": "true",
        "BEHIND_PROXY": "true",
        "SITE_URL": f"https://{options.domain}",
        **more,
    }
    found = {name: value for name, value in values.items() if project.reads(name)}
    return {"DJANGO_SETTINGS_MODULE": project.settings, **found}


def required_secrets(
    project: Project, options: Options, plain: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the names of the secrets that must be set: those without a default, and those that were asked for."""
    needed = {variable.name for variable in project.variables if variable.required}
    if options.database == "postgresql":
        needed.add("DATABASE_URL")
    if options.redis:
        needed.add("CACHE_URL")
    if options.uploads == "bucket":
        needed.add("STORAGE_URL")
    wanted = needed | set(options.secrets)
    return tuple(name for name in project.secrets if name in wanted and name not in plain)


def quoted(value: object) -> str:
    """Return a text in the quotes of JSON, which YAML and TOML read too."""
    return json.dumps(value)
