"""Reads the files of a target against typed models, and finds what no platform may have."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from django_matt.cli.diagnostics import Diagnostic
from django_matt.contrib.deploy.errors import DeployError
from django_matt.errors.missing_extra import MissingExtra

__all__ = [
    "Document",
    "Strict",
    "check_secrets",
    "check_variables",
    "problem",
    "read_document",
    "read_toml",
    "read_yaml",
]

Document = TypeVar("Document", bound=BaseModel)
_LITERALS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (what, re.compile(pattern))
    for what, pattern in (
        ("a URL with a password", r"\b[a-z][a-z0-9+.-]*://[^\s:/@\"'${]+:(?!\$)([^\s@\"'${]{3,})@"),
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
        ("an access key of AWS", r"\bA(?:KIA|SIA)[0-9A-Z]{16}\b"),
        ("a token", r"\b(?:dop_v1_[0-9a-f]{20,}|fo1_\w{20,}|FlyV1 \S{20,}|gh[pousr]_\w{20,})"),
        (
            "a secret",
            r"(?i)\b(?:[A-Z0-9_]*(?:SECRET_KEY|SECRET|PASSWORD|PASSWD|TOKEN|API_KEY|_DSN))[\"']?\s*[:=]\s*[\"']?(?![\"']?\s*(?:$|[#\[{]))(?!\$|true|false|none\b|null|SECRET\b|none-while-building)([^\s\"'${},\]]{8,})",
        ),
    )
)


class Strict(BaseModel):
    """A model of a part of a file: a name that we do not write is a mistake."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def problem(what: str, why: str, fix: str, *, doubtful: bool = False) -> Diagnostic:
    """Return a finding."""
    return Diagnostic(level="doubtful" if doubtful else "broken", what=what, why=why, fix=fix)


def read_yaml(text: str, path: str) -> Any:
    """Return the data of a YAML file; short tags of CloudFormation become its long ones. Raises ``DeployError``."""
    try:
        import yaml
    except ImportError:
        raise MissingExtra("pyyaml", "deploy") from None

    class Loader(yaml.SafeLoader):
        """Reads ``!Ref name`` too."""

    def construct(loader: Any, suffix: str, node: Any) -> Any:
        name = suffix if suffix == "Ref" else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            return {name: loader.construct_scalar(node)}
        if isinstance(node, yaml.SequenceNode):
            return {name: loader.construct_sequence(node, deep=True)}
        return {name: loader.construct_mapping(node, deep=True)}

    Loader.add_multi_constructor("!", construct)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise DeployError(f"{path}{line}: {getattr(error, 'problem', None) or error}") from None


def read_toml(text: str, path: str) -> Any:
    """Return the data of a TOML file. Raises ``DeployError``."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeployError(f"{path}: {error}") from None


def read_document(
    model: type[Document], data: Any, path: str, found: list[Diagnostic]
) -> Document | None:
    """Return the data as a model; add a finding for each mistake, and return None, if it does not fit."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            place = ".".join(map(str, fault["loc"]))
            message = fault["msg"].removeprefix("Value error, ")
            if fault["type"] == "extra_forbidden":
                message = "this name is not known here; it would be ignored or refused"
            found.append(
                problem(
                    f"{path}: {place}: {message}.",
                    "The platform refuses the file, or does something else than it says.",
                    "matt deploy init",
                )
            )
        return None


def check_variables(
    variables: Mapping[str, str], path: str, required: Iterable[str] = ()
) -> Iterator[Diagnostic]:
    """Yield what the plain variables of a file must not be."""
    hosts = [each.strip() for each in variables.get("ALLOWED_HOSTS", "").split(",") if each.strip()]
    for host in hosts:
        if "*" in host or host.startswith("."):
            yield problem(
                f"{path}: ALLOWED_HOSTS has {host!r}.",
                "Links in mails could then name a host that an attacker chooses.",
                "Name the hosts of your site, one by one.",
            )
    if "ALLOWED_HOSTS" in required and not hosts:
        yield problem(
            f"{path}: ALLOWED_HOSTS is missing or empty.",
            "With DEBUG off, every request would be answered by a 400.",
            "ALLOWED_HOSTS = your domain",
        )
    if variables.get("DEBUG", "false").strip().lower() in {"true", "1", "yes", "on"}:
        yield problem(
            f"{path}: DEBUG is on.",
            "Every visitor would see the details of errors, with settings and local variables.",
            'DEBUG = "false"',
        )
    if variables.get("HTTPS", "true").strip().lower() in {"false", "0", "no", "off"}:
        yield problem(
            f"{path}: HTTPS is off.",
            "Cookies would be sent over connections that anyone on the way can read.",
            'HTTPS = "true"',
        )


def check_secrets(files: Mapping[str, str], values: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield each secret that is in a file: what looks like one, and ``values``, those of this machine's ``.env``."""
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            kind = next((what for what, pattern in _LITERALS if pattern.search(line)), "")
            name = next(
                (each for each, value in values.items() if len(value) > 11 and value in line), ""
            )
            if kind or name:
                yield problem(
                    f"{path}, line {number}, has {f'the value of {name}' if name else kind}.",
                    "Files are in the repository, where a secret stays after it was deleted.",
                    f"Remove it, make a new one, and send that: matt deploy secrets TARGET {name} --run",
                )
