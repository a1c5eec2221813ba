"""``manage.py matt_env``: writes, checks and shows the environment of the project, and rotates its secret key."""

import getpass
import json
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.environments import environment as environments
from django_matt.contrib.environments import services
from django_matt.contrib.environments.environment import DjangoEnvironment
from django_matt.contrib.environments.errors import EnvironmentInvalid, Fault
from django_matt.contrib.environments.files import EnvFile, read_file
from django_matt.contrib.environments.variables import Variable, variables_of

__all__ = ["Command"]


class Command(BaseCommand):
    """Maintain the ``.env`` file of a project."""

    help = "Write .env from the class in settings.py, check it, show it, or rotate the secret key."
    # System checks need the file that this command makes.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the four subcommands."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="init|check|show|rotate")
        init = verbs.add_parser("init", help="write .env, or add the variables that it lacks")
        init.add_argument(
            "given", nargs="*", metavar="NAME=value", help="values, such as DEBUG=true"
        )
        init.add_argument("--no-input", action="store_true", help="ask nothing")
        init.add_argument(
            "--force", action="store_true", help="replace an existing file, with new secrets"
        )
        check = verbs.add_parser("check", help="show what is missing, unused or invalid")
        show = verbs.add_parser("show", help="list the variables, with secrets masked")
        show.add_argument("--reveal", action="store_true", help="print the secrets too")
        show.add_argument(
            "--format",
            choices=["text", "json", "markdown"],
            default="text",
            help="markdown is a table for your documentation, without values",
        )
        rotate = verbs.add_parser("rotate", help="make a new SECRET_KEY; the old one stays valid")
        rotate.add_argument(
            "--keep", type=int, default=2, metavar="N", help="how many former keys to keep (2)"
        )
        for verb in (init, check, show, rotate):
            verb.add_argument(
                "--settings-class",
                metavar="config.environment:Environment",
                help="the class, if settings.py makes no instance of one",
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Find the class and run the subcommand."""
        named = options["settings_class"]
        # `environment` is passed by starting.py, if making the instance in settings.py has failed.
        environment = _load(named) if named else options.get("environment") or _loaded()
        try:
            getattr(self, f"_{options['verb']}")(environment, options)
        except BrokenPipeError:
            # The reader of a pipe has read enough; the file is not at fault.
            raise
        except OSError as error:
            raise CommandError(
                f"{error.filename or environment.file()}: {error.strerror or error}"
            ) from None
        except (LookupError, ValueError) as error:
            raise CommandError(str(error)) from None

    def _init(self, environment: type[DjangoEnvironment], options: dict[str, Any]) -> None:
        """Write the variables that the file lacks."""
        path = _path(environment)
        file = EnvFile(path) if options["force"] else read_file(path)
        _need_readable(file)
        lacking = {variable.name: variable for variable in services.unwritten(environment, file)}
        given = _pairs(environment, options["given"])
        for name in given.keys() - lacking.keys():
            if name in file.lines:
                raise CommandError(
                    f"{path} sets {name} already, on line {file.lines[name]}. Change it there."
                )
            lacking[name] = next(item for item in variables_of(environment) if item.name == name)
        asks = not options["no_input"] and sys.stdin is not None and sys.stdin.isatty()
        if not lacking:
            self.stdout.write(f"{path} has every variable already.")
            return
        if file.entries and asks and not _agrees(f"Add {', '.join(lacking)} to {path}?"):
            raise CommandError(f"{path} was not changed.")
        values = dict(given)
        for variable in lacking.values():
            if variable.required and variable.name not in values:
                if variable.generated:
                    values[variable.name] = services.new_secret()
                elif asks:
                    values[variable.name] = _ask(variable)
        values = {name: value for name, value in values.items() if value}
        try:
            services.compose(environment, file, values).save()
        except EnvironmentInvalid as error:
            raise CommandError("\n".join(map(str, error.faults))) from None
        self.stdout.write(self.style.SUCCESS(f"Wrote {path}"))
        for variable in lacking.values():
            if variable.required and variable.name not in values:
                self.stdout.write(
                    f"Fill in {variable.name} ({variable.words}): {variable.description}"
                )

    def _check(self, environment: type[DjangoEnvironment], options: dict[str, Any]) -> None:
        """Show what is wrong; exit with 1 if the project cannot start."""
        faults = services.check(environment)
        for fault in faults:
            self.stdout.write(self._marked(fault))
        path = environment.file()
        stopping = sum(fault.stops for fault in faults)
        if stopping:
            missing = any(fault.kind == "missing" for fault in faults)
            hint = " `python manage.py matt_env init` adds what is missing." if missing else ""
            raise CommandError(f"{stopping} of {len(faults)} must be fixed.{hint}")
        count = sum(1 for _ in variables_of(environment))
        self.stdout.write(
            self.style.SUCCESS(
                f"{count} variables{f' of {path}' if path else ''} fit {environment.name()}."
            )
        )

    def _marked(self, fault: Fault) -> str:
        mark = self.style.ERROR("✗") if fault.stops else self.style.WARNING("!")
        return f"{mark} {fault}"

    def _show(self, environment: type[DjangoEnvironment], options: dict[str, Any]) -> None:
        """List the variables."""
        if options["format"] == "markdown":
            self.stdout.write("\n".join(_markdown(environment)))
            return
        rows = [
            (
                row.variable,
                row.text if options["reveal"] else row.variable.shown(row.text),
                row.source,
            )
            for row in services.rows(environment)
        ]
        if options["format"] == "json":
            found = [
                {
                    "name": variable.name,
                    "value": text,
                    "source": source,
                    "secret": variable.secret or variable.generated,
                    "required": variable.required,
                }
                for variable, text, source in rows
            ]
            self.stdout.write(json.dumps(found, indent=2))
            return
        # One line per variable, also for values with line breaks.
        cells = [
            (variable.name, "".join(c if c.isprintable() else "·" for c in text), source)
            for variable, text, source in rows
        ]
        widths = [max(len(row[column]) for row in cells) for column in range(2)]
        for name, text, source in cells:
            self.stdout.write(f"{name:<{widths[0]}}  {text:<{widths[1]}}  {source}")

    def _rotate(self, environment: type[DjangoEnvironment], options: dict[str, Any]) -> None:
        """Make a new key."""
        if options["keep"] < 0:
            raise CommandError("--keep must be 0 or more.")
        file = read_file(_path(environment))
        _need_readable(file)
        changed, dropped = services.rotate(environment, file, options["keep"])
        changed.save()
        self.stdout.write(
            self.style.SUCCESS(f"{file.path} has a new SECRET_KEY; restart the project.")
        )
        kept = (
            len(changed.values.get("SECRET_KEY_FALLBACKS", "").split(",")) if options["keep"] else 0
        )
        if kept:
            self.stdout.write(
                "Signatures of the old key stay valid, if settings.py sets SECRET_KEY_FALLBACKS, which contains it now."
            )
        if dropped:
            self.stdout.write(
                f"{dropped} older key{'s' if dropped > 1 else ''} dropped: their signatures are not valid any more."
            )


def _load(path: str) -> type[DjangoEnvironment]:
    module, _, name = path.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError, EnvironmentInvalid) as error:
        raise CommandError(f"--settings-class {path}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, DjangoEnvironment)):
        raise CommandError(f"--settings-class {path}: it is not a subclass of DjangoEnvironment.")
    return found


def _loaded() -> type[DjangoEnvironment]:
    found = environments.loaded
    if len(found) == 1:
        return found[0]
    several = f"settings.py makes instances of several classes: {', '.join(item.name() for item in found)}."
    none = "settings.py makes no DjangoEnvironment."
    raise CommandError(
        f"{several if found else none} Name one with --settings-class config.environment:Environment"
    )


def _path(environment: type[DjangoEnvironment]) -> Path:
    path = environment.file()
    if path is None:
        raise CommandError(f"{environment.name()} reads no file: give it an env_file.")
    return path


def _need_readable(file: EnvFile) -> None:
    for fault in file.faults():
        if fault.stops:
            raise CommandError(str(fault))


def _pairs(environment: type[DjangoEnvironment], given: list[str]) -> dict[str, str]:
    names = [variable.name for variable in variables_of(environment)]
    found = {}
    for pair in given:
        name, equal, value = pair.partition("=")
        if not equal:
            raise CommandError(f"{pair!r} is not NAME=value.")
        if name not in names:
            close = get_close_matches(name, names, 1, 0.7)
            raise CommandError(
                f"{environment.name()} has no {name}.{f' Did you mean {close[0]}?' if close else ''}"
            )
        if "\0" in value:
            raise CommandError(f"{name} contains a NUL character.")
        found[name] = value
    return found


def _ask(variable: Variable) -> str:
    prompt = f"{variable.name} ({variable.words}): "
    return getpass.getpass(prompt) if variable.secret else input(prompt)


def _agrees(question: str) -> bool:
    return input(f"{question} [Y/n] ").strip().lower() in {"", "y", "yes"}


def _markdown(environment: type[DjangoEnvironment]) -> Iterator[str]:
    yield "| variable | type | default | means |"
    yield "|---|---|---|---|"
    for variable in variables_of(environment):
        default = variable.shown(variable.default)
        cells = [
            f"`{variable.name}`",
            variable.words,
            "required" if variable.required else f"`{default}`" if default else "",
            " ".join(variable.description.split()),
        ]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
