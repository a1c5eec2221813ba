"""``manage.py startapp``: Django's command, with templates of whole apps."""

import keyword
import os
import shutil
import sys
import tempfile
import tomllib
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.core.management.commands.startapp import Command as DjangoCommand

from django_matt.contrib.generators.starts import (
    ANSWERS,
    TEMPLATES,
    assemble,
    missing_for,
    offered_audiences,
    variables,
)
from django_matt.generation.orders import uses_pytest

__all__ = ["Command"]

_NAMES = ", ".join(TEMPLATES)
_ASKED = {"mode": "Routes", "layout": "Layout", "audience": "Audience"}
_NOTHING = "Nothing was written."


class Command(DjangoCommand):
    """Start an app: an empty one as Django does, or a blog, a forum, a shop or a product for teams."""

    help = f"{DjangoCommand.help} --template may also be one of {_NAMES}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that the templates have."""
        super().add_arguments(parser)
        for name, answers in ANSWERS.items():
            meaning = "; ".join(f"{answer}: {text}" for answer, text in answers.items())
            parser.add_argument(f"--{name}", choices=list(answers), help=meaning)
        parser.add_argument(
            "--no-input", action="store_true", help="ask nothing; take the defaults"
        )

    def handle(self, **options: Any) -> None:  # type: ignore[override]
        """Write the app; a template that is not one of Django Matt is left to Django."""
        # Django's own command must not find options that it does not know in its templates.
        given = {name: options.pop(name) for name in (*ANSWERS, "no_input")}
        template = options["template"]
        if template in TEMPLATES:
            self._start(given, options)
            return
        if used := [name for name, value in given.items() if value]:
            option = f"--{used[0].replace('_', '-')}"
            raise CommandError(f"{option} is an option of the templates {_NAMES}. Add --template.")
        if template is not None and not self._exists(template):
            raise CommandError(
                f"couldn't handle app template {template}. The templates of Django Matt are {_NAMES}; "
                "--template also takes the path or the URL of your own."
            )
        super().handle(**options)

    def handle_template(self, template: str | None, subdir: str | None) -> str:
        """Return the folder of a template; those of Django Matt are put together in a folder of their own."""
        if template is None or template not in TEMPLATES:
            return super().handle_template(template, subdir)
        folder = tempfile.mkdtemp(prefix="matt_app_template_")
        self.paths_to_remove = [*self.paths_to_remove, folder]
        assemble(template, self._answers, Path(folder))
        return folder

    def _exists(self, template: str) -> bool:
        path = Path(template.removeprefix("file://")).expanduser()
        return self.is_url(template) or path.exists()

    def _start(self, given: Mapping[str, Any], options: dict[str, Any]) -> None:
        self._validate(options)
        target = Path(options["directory"] or options["name"]).expanduser().absolute()
        try:
            self._answers = self._ask(options["template"], given)
            self._write(target, options)
        except (KeyboardInterrupt, EOFError):
            raise CommandError(f"Stopped. {_NOTHING}", returncode=130) from None
        except OSError as error:
            raise CommandError(f"{error}. {_NOTHING}") from None
        self._say_next(target)

    def _validate(self, options: Mapping[str, Any]) -> None:
        """Refuse a name and a folder before anything is asked."""
        self.app_or_project, self.a_or_an, self.paths_to_remove = "app", "an", []
        name, directory = options["name"], options["directory"]
        self.validate_name(name)
        if keyword.iskeyword(name):
            raise CommandError(
                f"'{name}' is a keyword of Python and cannot be used as an app name. Please try another name."
            )
        if name.startswith("_"):
            raise CommandError(
                f"'{name}' begins with an underscore, as no name of an index may. Please try another name."
            )
        if name in apps.app_configs:
            raise CommandError(
                f"An app with the label '{name}' is installed. Please try another name."
            )
        target = Path(directory or name).expanduser().absolute()
        if directory is None and target.exists():
            raise CommandError(f"'{target}' already exists")
        if directory is not None:
            self.validate_name(target.name, "directory")
            if target.exists() and not target.is_dir():
                raise CommandError(f"'{target}' is a file. Name a folder.")

    def _ask(self, template: str, given: Mapping[str, Any]) -> dict[str, str]:
        """Return the answers: those that were given, and those of the user or the defaults."""
        offered = offered_audiences(template)
        if not offered:
            raise CommandError(_missing(f"The template {template}", missing_for("b2c")))
        audience = given["audience"]
        if audience and audience not in TEMPLATES[template].audiences:
            known = " or ".join(TEMPLATES[template].audiences)
            raise CommandError(
                f"The template {template} has no audience {audience}, because its objects belong to somebody. "
                f"Choose {known}."
            )
        if audience and (lost := missing_for(audience)):
            raise CommandError(_missing(f"--audience {audience}", lost))
        asks = not given["no_input"] and sys.stdin is not None and sys.stdin.isatty()
        found = {}
        for name, answers in ANSWERS.items():
            names = offered if name == "audience" else list(answers)
            found[name] = given[name] or (self._choose(name, names) if asks else names[0])
        return found

    def _choose(self, question: str, names: list[str]) -> str:
        """Ask until the answer is one of the names, or nothing, which is the first of them."""
        self.stdout.write(f"{_ASKED[question]}:")
        for name in names:
            self.stdout.write(f"  {name:<8} {ANSWERS[question][name]}")
        while True:
            answer = input(f"Choose [{names[0]}]: ").strip().lower()
            if not answer:
                return names[0]
            if answer in names:
                return answer
            self.stdout.write(f"{answer!r} is not one of {', '.join(names)}.")

    def _write(self, target: Path, options: dict[str, Any]) -> None:
        """Render the app beside its place, and move it there when it is complete."""
        parent = target.parent
        while not parent.exists():
            parent = parent.parent
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=parent))
        made = staging / target.name
        try:
            made.mkdir()
            more = variables(options["template"], _module(target), self._answers)
            super().handle(**{**options, **more, "directory": str(made)})
            _move(made, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            for path in self.paths_to_remove:
                shutil.rmtree(path, ignore_errors=True)

    def _say_next(self, target: Path) -> None:
        module = _module(target)
        wanted = ("django_matt.contrib.crud", "django_matt.contrib.seeding")
        names = [*(name for name in wanted if not apps.is_installed(name)), module]
        shown = ", ".join(f'"{name}"' for name in names)
        label = target.name
        self.stdout.write(
            f"{self.style.SUCCESS(f'{module} is written.')} Next:\n"
            f"  1. In the settings: INSTALLED_APPS += [{shown}]\n"
            f"  2. Where your MattAPI is: import {module}.controllers; "
            f"api.register_controllers(*{module}.controllers.CONTROLLERS)\n"
            f"  3. manage.py migrate && manage.py matt_seed {label} && {_test(module)}"
        )
        if _has_test_paths(Path.cwd()):
            self.stdout.write(
                f'  4. So that pytest runs its tests with the others: "{module.replace(".", "/")}" '
                "in testpaths of pyproject.toml"
            )


def _test(module: str) -> str:
    """Return the command that runs the tests of an app."""
    if uses_pytest(Path.cwd()):
        return f"pytest {module.replace('.', '/')}"
    return f"manage.py test {module}"


def _has_test_paths(project: Path) -> bool:
    """Return whether pytest looks for tests in some folders only."""
    try:
        settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        return bool(settings["tool"]["pytest"]["ini_options"]["testpaths"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _missing(what: str, names: list[str]) -> str:
    lines = ", ".join(f'"{name}"' for name in names)
    return (
        f"{what} needs apps that are not installed. Add {lines} to INSTALLED_APPS, run manage.py migrate, "
        f"and try again. {_NOTHING}"
    )


def _module(target: Path) -> str:
    """Return the name that Python imports a folder by: from the current one on, if it is inside of it."""
    if target.is_relative_to(Path.cwd()):
        parts = target.relative_to(Path.cwd()).parts
        if all(part.isidentifier() for part in parts):
            return ".".join(parts)
    return target.name


def _move(made: Path, target: Path) -> None:
    """Move an app to its place; into a folder that exists, file by file, and all of them or none."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        made.rename(target)
        return
    paths = [path.relative_to(made) for path in sorted(made.rglob("*")) if path.is_file()]
    for path in paths:
        if (target / path).exists():
            raise CommandError(
                f"{target / path} already exists. Overlaying an app into an existing directory won't replace "
                "conflicting files."
            )
    placed: list[Path] = []
    try:
        for path in paths:
            for folder in reversed([*path.parents][:-1]):
                if not (target / folder).exists():
                    (target / folder).mkdir()
                    placed.append(target / folder)
            placed.append(target / path)
            os.rename(made / path, target / path)  # noqa: PTH104 - as Path.rename, in one line
    except BaseException:
        for path in reversed(placed):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        raise
