"""``manage.py matt_deploy``: writes the files of a platform, proves them, and releases with the platform's own tool."""

import difflib
import getpass
import json
import sys
from argparse import SUPPRESS, BooleanOptionalAction
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from secrets import token_urlsafe
from typing import Any, get_args, get_origin

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.cli.diagnostics import Diagnostic
from django_matt.contrib.deploy import checks, images, options, releases
from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.projects import Project, read_project
from django_matt.contrib.deploy.targets import (
    Command as Step,
)
from django_matt.contrib.deploy.targets import (
    Target,
    find_target,
    required_secrets,
    target_names,
)
from django_matt.errors.missing_extra import MissingExtra
from django_matt.generation.files import plan_texts, write_plan
from django_matt.generation.orders import GenerationError

__all__ = ["Command"]

_MARKS = {"fine": "✓", "doubtful": "!", "broken": "✗"}


class Command(BaseCommand):
    """Deploy the project."""

    help = (
        "Write the files of a platform (init), prove them without it (check), show and run the commands of a release "
        "(plan, run), send secrets, go back to the release before (rollback), and show what runs (status)."
    )
    # `check` examines the production settings in a process of their own.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands."""
        verbs = parser.add_subparsers(
            dest="verb", required=True, metavar="init|check|plan|run|secrets|rollback|status"
        )
        init = verbs.add_parser(
            "init", help="write the files of a target, after showing what changes"
        )
        targets = init.add_subparsers(
            dest="target", required=True, metavar="|".join(target_names())
        )
        for name in target_names():
            try:
                target = find_target(name)
            except DeployError as error:
                targets.add_parser(name, help=f"broken: {error}")
                continue
            each = targets.add_parser(name, help=target.title)
            _add_options(each, target)
            each.add_argument("--dry-run", action="store_true", help="only show what would change")
            each.add_argument("--no-input", action="store_true", help="ask nothing")
            each.add_argument(
                "--on-conflict",
                choices=("refuse", "keep", "replace"),
                default="refuse",
                help="for lines that you have edited and that are written in another way now",
            )
        for name, text in (
            ("check", "prove the files, the settings, the migrations and the secrets"),
            ("plan", "show the commands of a release"),
            ("run", "check, and release"),
            ("secrets", "send secrets to the platform"),
            ("rollback", "release the image of before"),
            ("status", "show what runs"),
        ):
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("target", nargs="?", help="the target; not needed if there is one")
            if name in {"check", "run"}:
                verb.add_argument(
                    "--since", default="", metavar="REVISION", help="the release that runs now"
                )
            if name == "check":
                verb.add_argument("--format", choices=("text", "json"), default="text")
            if name == "run":
                verb.add_argument("--no-input", action="store_true", help="ask nothing")
            if name == "secrets":
                verb.add_argument("names", nargs="*", metavar="NAME", help="these alone")
                verb.add_argument(
                    "--generate",
                    action="store_true",
                    help="make new values for those that can be made",
                )
            if name in {"secrets", "rollback", "status"}:
                verb.add_argument(
                    "--run", action="store_true", help="run the commands instead of showing them"
                )
            if name == "rollback":
                verb.add_argument(
                    "--to", default="", metavar="REVISION", help="the release to go back to"
                )

    def handle(self, *args: Any, **given: Any) -> None:
        """Run the subcommand."""
        try:
            getattr(self, f"_{given['verb']}")(read_project(), given)
        except (DeployError, GenerationError, MissingExtra) as error:
            raise CommandError(str(error)) from None
        except (KeyboardInterrupt, EOFError):
            raise CommandError("Stopped.", returncode=130) from None

    def _init(self, project: Project, given: dict[str, Any]) -> None:
        name = given["target"]
        target = find_target(name)
        stored = options.read_options(project.folder)
        chosen = {
            key: given[key] for key in target.Options.model_fields if given.get(key) is not None
        }
        values = {**stored.get(name, {}), **chosen}
        found = options.validate(target.Options, values, project)
        files = target.files(project, found)
        files[options.OPTIONS] = options.write_options({**stored, name: values})
        plan = plan_texts(files, project.folder, given["on_conflict"])
        if plan.conflicts:
            raise CommandError(
                "\n".join(plan.conflicts)
                + "\nNothing was written. Add --on-conflict keep or --on-conflict replace, or edit the lines so that they agree."
            )
        for change in plan.changes:
            self.stdout.write("".join(_diff(change)), ending="")
        if not plan.changes:
            self.stdout.write("Nothing changes: the files are what would be written.")
        if given["dry_run"] or not (plan.changes or plan.lock):
            return
        if plan.changes and not given["no_input"]:
            self._confirm(f"Write {len(plan.changes)} files?", "Nothing was written")
        write_plan(plan)
        self.stdout.write(
            f"Wrote {', '.join(change.path for change in plan.changes) or plan.project}."
        )
        self.stdout.write(f"Next: matt deploy check {name}")

    def _check(self, project: Project, given: dict[str, Any]) -> None:
        stored = options.read_options(project.folder)
        names = [given["target"]] if given["target"] else sorted(stored)
        if not names:
            raise DeployError(
                "No target was chosen yet.",
                f"matt deploy init {'|'.join(target_names())} --domain shop.example.com",
            )
        found: dict[str, list[Diagnostic]] = {}
        for name in names:
            target, chosen = self._choose(project, name)
            found[name] = list(checks.examine(name, target, project, chosen, given["since"]))
        if given["format"] == "json":
            rows = [
                {"target": name, **asdict(each)}
                for name, several in found.items()
                for each in several
            ]
            self.stdout.write(json.dumps(rows, indent=2))
        else:
            for name, several in found.items():
                self.stdout.write(self.style.MIGRATE_HEADING(name))
                self._show(several)
        count = sum(each.level == "broken" for several in found.values() for each in several)
        if count:
            raise CommandError(
                f"{count} {'fault' if count == 1 else 'faults'}. Nothing was released."
            )

    def _plan(self, project: Project, given: dict[str, Any]) -> None:
        name = self._named(project, given["target"])
        target, chosen = self._choose(project, name)
        try:
            release = releases.need_revision(project)
        except DeployError as error:
            self.stderr.write(str(error))
            release = "RELEASE"
        if project.vendored:
            self.stdout.write(f"# Put Django Matt into {images.VENDOR}")
        self._print(target.commands(project, chosen, "run", release))

    def _run(self, project: Project, given: dict[str, Any]) -> None:
        name = self._named(project, given["target"])
        target, chosen = self._choose(project, name)
        release = releases.need_revision(project)
        steps = target.commands(project, chosen, "run", release)
        releases.need_tool(target, steps)
        found = list(checks.examine(name, target, project, chosen, given["since"]))
        self._show(found)
        if any(each.level == "broken" for each in found):
            raise CommandError("Nothing was released.")
        if not given["no_input"]:
            self._confirm(
                f"Release {release} to {target.title} as {chosen.name}?", "Nothing was released"
            )
        if path := images.vendor(project):
            self.stdout.write(f"Django Matt is in {path.relative_to(project.folder)}.")
        releases.run(project, steps, self._say)
        releases.record(project, name, release)
        self.stdout.write(self.style.SUCCESS(f"{release} is released. https://{chosen.domain}/"))

    def _rollback(self, project: Project, given: dict[str, Any]) -> None:
        name = self._named(project, given["target"])
        target, chosen = self._choose(project, name)
        release = (
            releases.resolve(project, given["to"])
            if given["to"]
            else releases.previous(project, name)
        )
        if not release:
            raise DeployError(
                "This clone knows of no release before. Name one:",
                f"matt deploy rollback {name} --to REVISION",
            )
        steps = target.commands(project, chosen, "rollback", release)
        if self._is_shown(given, steps):
            return
        releases.need_tool(target, steps)
        releases.run(project, steps, self._say)
        releases.record(project, name, release)
        self.stdout.write(
            self.style.SUCCESS(
                f"{release} runs again. The database is as it was: migrations are not undone."
            )
        )

    def _status(self, project: Project, given: dict[str, Any]) -> None:
        name = self._named(project, given["target"])
        target, chosen = self._choose(project, name)
        release = releases.current(project, name)
        self.stdout.write(f"Last release of this clone: {release or 'none'}")
        steps = target.commands(project, chosen, "status", release or "latest")
        if not self._is_shown(given, steps):
            releases.need_tool(target, steps)
            releases.run(project, steps, self._say)

    def _secrets(self, project: Project, given: dict[str, Any]) -> None:
        # With one target, the first name may be where the target is expected.
        stored = options.read_options(project.folder)
        names = list(given["names"])
        if (
            given["target"]
            and given["target"] not in stored
            and given["target"] not in target_names()
        ):
            names.insert(0, given["target"])
            given["target"] = None
        name = self._named(project, given["target"])
        target, chosen = self._choose(project, name)
        plain = dict.fromkeys(target.environment(checks.read_files(target, project, chosen)), "")
        needed = [
            each
            for each in required_secrets(project, chosen, plain)
            if each not in target.made_by_platform
        ]
        for each in names:
            if each not in project.secrets:
                known = list(project.secrets)
                raise DeployError(
                    f"{each} is not a secret variable of the project.{options.suggest(each, known)} Known are {', '.join(known)}."
                )
            if each in plain:
                raise DeployError(
                    f"{each} is an ordinary variable in the files of {name}. Edit it there."
                )
        wanted = names or needed
        if not wanted:
            self.stdout.write(f"{target.title} makes all secrets itself.")
            return
        if not given["run"]:
            self.stdout.write(f"These secrets are sent to {target.title}: {', '.join(wanted)}")
            self._print(target.send(project, chosen, dict.fromkeys(wanted, "…")))
            self.stdout.write(
                f"matt deploy secrets {name} --run asks for the values, and runs this."
            )
            return
        made: dict[str, str] = {}
        if given["generate"]:
            made = {"SECRET_KEY": token_urlsafe(50), **target.generate(project, chosen)}
            # What was sent is in use: a database keeps the password that it was made with.
            used = releases.sent_secrets(project, name) | target.stored(project, chosen)
            sent = used & made.keys()
            if again := sorted(sent & set(names) - {"SECRET_KEY"}):
                raise DeployError(
                    f"{again[0]} was sent, and its server does not follow a new one. Send the value that it has, without --generate."
                )
            wanted = names or [each for each in wanted if each not in sent]
            if not wanted:
                self.stdout.write(
                    "All that --generate makes was sent. To replace a secret, name it, such as SECRET_KEY."
                )
                return
        releases.need_tool(target, target.send(project, chosen, dict.fromkeys(wanted, "x")))
        values = self._values(
            wanted, {each: value for each, value in made.items() if each in wanted}
        )
        for each, value in values.items():
            releases.check_value(each, value)
        releases.run(project, target.send(project, chosen, values), self._say)
        releases.record_secrets(project, name, values)
        self.stdout.write(
            self.style.SUCCESS(f"Sent {', '.join(values)}. The next release uses them.")
        )

    def _values(self, wanted: list[str], made: Mapping[str, str]) -> dict[str, str]:
        """Return the values: those that were made, then those that are typed, or on the standard input as NAME=value."""
        asked = [name for name in wanted if name not in made]
        if not asked:
            return dict(made)
        if sys.stdin is not None and sys.stdin.isatty():
            return {**made, **{name: getpass.getpass(f"{name}: ") for name in asked}}
        found: dict[str, str] = {}
        text = sys.stdin.read() if sys.stdin is not None else ""
        for number, line in enumerate(text.splitlines(), 1):
            name, equal, value = line.partition("=")
            if not line.strip():
                continue
            if not equal or name not in asked:
                # The line may be a part of a secret, so it is not shown.
                raise DeployError(
                    f"Line {number} of the standard input is not NAME=value for one of {', '.join(asked)}. "
                    "A value with a line break must be encoded."
                )
            found[name] = value
        lacking = [name for name in asked if name not in found]
        if lacking:
            raise DeployError(f"The standard input has no {', '.join(lacking)}. Nothing was sent.")
        return {**made, **found}

    def _named(self, project: Project, name: str | None) -> str:
        stored = sorted(options.read_options(project.folder))
        if name:
            return name
        if len(stored) == 1:
            return stored[0]
        if not stored:
            raise DeployError(
                "No target was chosen yet.",
                f"matt deploy init {'|'.join(target_names())} --domain shop.example.com",
            )
        raise DeployError(f"Name the target: {', '.join(stored)}.")

    def _choose(self, project: Project, name: str) -> tuple[Target, Any]:
        target = find_target(name)
        stored = options.read_options(project.folder)
        if name not in stored:
            raise DeployError(
                f"{name} was not initialized.", f"matt deploy init {name} --domain shop.example.com"
            )
        return target, options.validate(target.Options, stored[name], project)

    def _is_shown(self, given: dict[str, Any], steps: list[Step]) -> bool:
        if given["run"]:
            return False
        self._print(steps)
        self.stdout.write("Add --run to run it.")
        return True

    def _print(self, steps: list[Step]) -> None:
        for step in steps:
            self.stdout.write(f"# {step.why}\n{releases.shown(step)}")

    def _show(self, found: list[Diagnostic]) -> None:
        styles = {
            "fine": self.style.SUCCESS,
            "doubtful": self.style.WARNING,
            "broken": self.style.ERROR,
        }
        for each in sorted(found, key=lambda each: list(_MARKS).index(each.level)):
            self.stdout.write(f"{styles[each.level](_MARKS[each.level])} {each.what}")
            if each.why:
                self.stdout.write(f"    {each.why}")
            for line in each.fix.splitlines():
                self.stdout.write(f"    → {line}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _confirm(self, question: str, refused: str) -> None:
        if sys.stdin is None or not sys.stdin.isatty():
            raise CommandError(f"{refused}, because nobody can be asked. Add --no-input.")
        if input(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError(f"{refused}.")


def _add_options(parser: CommandParser, target: Target) -> None:
    """Add a flag for each option of a target; those that are not given keep their stored value."""
    for name, field in target.Options.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        text = (field.description or "").replace("%", "%%")
        if field.annotation is bool:
            parser.add_argument(
                flag, dest=name, action=BooleanOptionalAction, default=None, help=text
            )
        elif get_origin(field.annotation) is tuple:
            parser.add_argument(
                flag, dest=name, type=_words, metavar="A,B", help=text, default=None
            )
        else:
            choices = get_args(field.annotation) or None
            kind = int if field.annotation is int else str
            parser.add_argument(
                flag,
                dest=name,
                type=kind,
                metavar=name.upper() if choices is None else None,
                choices=choices
                if choices and all(isinstance(each, str) for each in choices)
                else None,
                help=text or SUPPRESS,
                default=None,
            )


def _words(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _diff(change: Any) -> Iterator[str]:
    old = f"a/{change.path}" if change.before is not None else "/dev/null"
    for line in difflib.unified_diff(
        (change.before or "").splitlines(keepends=True),
        change.after.splitlines(keepends=True),
        old,
        f"b/{change.path}",
    ):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
