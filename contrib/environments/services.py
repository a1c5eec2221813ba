"""What ``matt_env`` does: composes the file, checks it, lists the variables, and rotates the key."""

import os
import re
import secrets
import shutil
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from django_matt.contrib.environments.environment import DjangoEnvironment, decoded, reading
from django_matt.contrib.environments.errors import EnvironmentInvalid, Fault
from django_matt.contrib.environments.files import EnvFile, quote, read_file
from django_matt.contrib.environments.variables import Variable, text_of, variables_of, written

__all__ = ["Row", "check", "compose", "new_secret", "rotate", "rows", "unwritten"]

HEADER = """\
# The environment of this project, read by {name}.
# Keep it out of version control. `python manage.py matt_env check` shows what is missing, unused or invalid.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A variable, its value as text, and where the value comes from."""

    variable: Variable
    text: str
    source: str


def new_secret() -> str:
    """Return a random secret of 384 bits, in characters that need no quotes."""
    return secrets.token_urlsafe(48)


def unwritten(environment: type[DjangoEnvironment], file: EnvFile) -> list[Variable]:
    """Return the variables that the file lacks. A comment such as ``# NAME=`` counts for an optional one."""
    commented = set(re.findall(r"^#[^\S\n]*(\w+)=", file.text, re.M))
    return [
        variable
        for variable in variables_of(environment)
        if variable.name not in file.lines and (variable.required or variable.name not in commented)
    ]


def compose(
    environment: type[DjangoEnvironment], file: EnvFile, values: Mapping[str, str]
) -> EnvFile:
    """Return ``file`` with every variable that it lacks, each with a comment that explains it.

    ``values`` are their values. A variable without a value is added as a comment with its default. Raises
    ``EnvironmentInvalid`` if a value does not have the type of its variable.
    """
    with reading(values):
        try:
            environment()
        except EnvironmentInvalid as error:
            wrong = [fault for fault in error.faults if fault.kind != "missing"]
            if wrong:
                raise EnvironmentInvalid(environment.name(), wrong) from None
    text = "" if file.entries else HEADER.format(name=environment.name())
    for variable in unwritten(environment, file):
        text += f"\n{_explained(variable)}"
        if variable.name in values:
            text += f"{variable.name}={quote(values[variable.name])}\n"
        else:
            hidden = variable.secret and not variable.address
            text += f"# {variable.name}={'' if hidden else quote(variable.default)}\n"
    return file.extended(text, values)


def _explained(variable: Variable) -> str:
    needed = "required" if variable.required else "optional"
    lines = [
        line
        for paragraph in variable.description.splitlines()
        for line in textwrap.wrap(paragraph, 110)
    ]
    return "".join(f"# {line}\n" for line in [*lines, f"{variable.words}; {needed}"])


def check(environment: type[DjangoEnvironment]) -> list[Fault]:
    """Return everything that is wrong with the variables and the file, the worst first."""
    found: list[Fault] = []
    try:
        environment()
    except EnvironmentInvalid as error:
        found += error.faults
    path = environment.file()
    if path is None:
        return found
    try:
        file = read_file(path)
    except (OSError, ValueError):
        # It is among the faults already, and nothing else can be checked.
        return found
    if any(fault.kind == "unreadable" for fault in found):
        # Check the lines that could be read, too.
        with reading({**file.values, **os.environ}):
            try:
                environment()
            except EnvironmentInvalid as error:
                found += [_placed(fault, file) for fault in error.faults]
    found += [fault for fault in file.faults() if fault not in found]
    found += _unused(environment, file)
    found += _exposed(path)
    return sorted(found, key=lambda fault: not fault.stops)


def _placed(fault: Fault, file: EnvFile) -> Fault:
    line = file.lines.get(fault.subject)
    if fault.kind != "invalid" or line is None or os.environ.get(fault.subject):
        return fault
    return replace(fault, place=f"{file.path.name}, line {line}")


def _unused(environment: type[DjangoEnvironment], file: EnvFile) -> Iterator[Fault]:
    known = {variable.name for variable in variables_of(environment)}
    delimiter = environment.model_config.get("env_nested_delimiter")
    for name, line in file.lines.items():
        if name in known or (delimiter and name.partition(delimiter)[0] in known):
            continue
        close = get_close_matches(name, known - set(file.lines), 1, 0.7)
        message = f"is not read. Did you mean {close[0]}?" if close else "is not read."
        yield Fault("unused", name, message, f"{file.path.name}, line {line}")


def _exposed(path: Path) -> Iterator[Fault]:
    if not path.is_file():
        return
    mode = path.stat().st_mode & 0o777
    if os.name != "nt" and mode & 0o077:
        message = f"other users of this machine can read it (mode {mode:o}): chmod 600 {path.name}"
        yield Fault("doubtful", path.name, message)
    git = shutil.which("git")
    if git and any((folder / ".git").exists() for folder in path.resolve().parents):
        command = [git, "check-ignore", "--quiet", path.name]
        answer = subprocess.run(command, cwd=path.resolve().parent, check=False, timeout=10)  # noqa: S603 - git
        if answer.returncode == 1:
            message = f"git does not ignore it: add {path.name} to .gitignore."
            yield Fault("doubtful", path.name, message)


def rows(environment: type[DjangoEnvironment]) -> Iterator[Row]:
    """Yield every variable with its value, also if the environment is invalid. Secrets are not masked."""
    path = environment.file()
    file = read_file(path) if path else EnvFile(Path())
    try:
        instance = environment()
    except EnvironmentInvalid:
        instance = None
    for variable in variables_of(environment):
        if os.environ.get(variable.name):
            yield Row(variable, os.environ[variable.name], "environment")
        elif file.values.get(variable.name):
            line = file.lines[variable.name]
            yield Row(variable, file.values[variable.name], f"{file.path.name}, line {line}")
        elif instance and (text := text_of(getattr(instance, variable.field))) != variable.default:
            yield Row(variable, text, "elsewhere")
        else:
            yield Row(variable, variable.default, "missing" if variable.required else "default")


def rotate(environment: type[DjangoEnvironment], file: EnvFile, keep: int) -> tuple[EnvFile, int]:
    """Return the file with a new ``SECRET_KEY``, and the number of old keys that were dropped.

    The former key becomes the first of the fallbacks, of which ``keep`` are kept. Raises ``LookupError`` if the file
    has no key, or if the environment of this process sets one, which would win over the file.
    """
    named = {variable.field: variable.name for variable in variables_of(environment)}
    key, fallbacks = named["SECRET_KEY"], named["SECRET_KEY_FALLBACKS"]
    for name in (key, fallbacks):
        if os.environ.get(name):
            raise LookupError(
                f"{name} is set in the environment of this process, which wins over the file. Change it there."
            )
    old = file.values.get(key)
    if not old:
        raise LookupError(f"{file.path} has no {key}; `python manage.py matt_env init` makes one.")
    former = decoded(environment, "SECRET_KEY_FALLBACKS", file.values.get(fallbacks, ""))
    kept = [old, *former][:keep]
    values = {key: new_secret(), fallbacks: written(kept)}
    if fallbacks in file.lines:
        return file.changed(values), len(former) + 1 - len(kept)
    changed = file.changed({key: values[key]})
    return changed.with_variable(fallbacks, values[fallbacks], key), len(former) + 1 - len(kept)
