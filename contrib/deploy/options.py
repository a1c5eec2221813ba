"""What the user decides about a target; stored in ``deploy/options.toml``."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.projects import Project

__all__ = ["OPTIONS", "Options", "read_options", "suggest", "validate", "write_options"]

OPTIONS = "deploy/options.toml"
_HOST = re.compile(
    r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9-]{1,28}[a-z0-9]$",
        description="Name of the app at the platform: 3 to 30 of a-z, 0-9 and -.",
    ),
]


class Options(BaseModel):
    """The options that every target has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    domain: str = Field(description="Host name of the site, such as shop.example.com.")
    database: Literal["sqlite", "postgresql"] = Field(description="Database in production.")
    redis: bool = Field(default=False, description="Use Redis as the cache.")
    uploads: Literal["none", "volume", "bucket"] = Field(
        default="none",
        description="Where uploaded files go: a volume, a bucket of S3, or nowhere.",
    )
    workers: tuple[str, ...] = Field(default=(), description="Workers to run beside the site.")
    secrets: tuple[str, ...] = Field(
        default=(), description="Secret variables to set besides the required ones."
    )

    @field_validator("domain")
    @classmethod
    def _is_a_host(cls, domain: str) -> str:
        if not _HOST.fullmatch(domain):
            raise ValueError("is a host name such as shop.example.com, in lower case")
        return domain

    @field_validator("secrets")
    @classmethod
    def _are_variables(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"has {name!r}, which no variable can be called")
        return names


def validate(kind: type[Options], given: Mapping[str, Any], project: Project) -> Options:
    """Return the options of a target; the project's facts are the defaults. Raises ``DeployError``."""
    values = {
        "name": project.name,
        "database": project.database,
        "redis": project.redis,
        "workers": tuple(project.workers),
    }
    try:
        options = kind(**{**values, **given})
    except ValidationError as error:
        raise DeployError("\n".join(map(_sentence, error.errors(include_url=False)))) from None
    for name in options.workers:
        if name not in project.workers:
            known = ", ".join(project.workers) or "none"
            raise DeployError(f"There is no worker {name!r}. The project has: {known}.")
    for name in options.secrets:
        if not project.reads(name):
            raise DeployError(
                f"The project does not read {name}.{suggest(name, [v.name for v in project.variables])}"
            )
    return options


def suggest(name: str, known: list[str]) -> str:
    """Return the sentence that names what is meant; empty if nothing is similar."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def read_options(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the options of each target, as they are in the file; none without a file."""
    path = folder / OPTIONS
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DeployError(f"{OPTIONS} cannot be read: {error}") from None
    for name, values in found.items():
        if not isinstance(values, dict):
            raise DeployError(
                f"{OPTIONS}: {name} is not a table; each target has a table [{name}]."
            )
    return found


def write_options(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of the file."""
    lines = [
        "# What `matt deploy init` was asked for. Edit it, and run `matt deploy init` again.",
        "# There are no secrets in it.",
    ]
    for target, values in sorted(found.items()):
        lines += ["", f"[{target}]"]
        # JSON's texts, numbers, lists and booleans are TOML's too.
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _sentence(fault: Any) -> str:
    name = ".".join(map(str, fault["loc"])) or "the options"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "missing":
        return f"--{name.replace('_', '-')} is missing."
    if fault["type"] == "extra_forbidden":
        return f"This target has no option --{name.replace('_', '-')}."
    return f"--{name.replace('_', '-')} {fault['input']!r}: {message}."
