"""``manage.py matt_generate``: writes source for models, and merges it with what you have edited since."""

import difflib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model

from django_matt.generation.files import Plan, make_plan, plan_texts, write_plan
from django_matt.generation.orders import (
    ForNames,
    GenerationError,
    Generator,
    NamedOrder,
    Order,
    find_generators,
    folder_of,
    uses_pytest,
)
from django_matt.management.labels import find_app, models_of, suggest

__all__ = ["Command"]

HTML = "html"
_OF_MODELS = {
    "--async": "asynchronous",
    "--write-schemas": "write_schemas",
    "--tests": "tests",
}


class Command(BaseCommand):
    """Generate source."""

    help = (
        "Write source for models that you own and edit: `matt_generate crud shop.Product --tests`. "
        "The changes are shown before they are written. Run it again after a model has changed: "
        "what you have edited is kept."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "kind", help="crud, controller, views, form, table, or a kind of an installed app"
        )
        parser.add_argument(
            "models",
            nargs="+",
            metavar="app.Model",
            help="what to write it for; for a front end, schemas or operations of the API",
        )
        parser.add_argument(
            "--to",
            default=HTML,
            metavar="TARGET",
            help="what form and table are written for (default: html)",
        )
        parser.add_argument(
            "--output",
            metavar="FOLDER",
            help="where a front end gets its components (default: beside the typed client)",
        )
        parser.add_argument(
            "--async",
            action="store_true",
            dest="asynchronous",
            help="write a controller with async methods",
        )
        parser.add_argument(
            "--write-schemas", action="store_true", help="write the schemas to schemas.py"
        )
        parser.add_argument("--tests", action="store_true", help="write tests too")
        parser.add_argument(
            "--dry-run", action="store_true", help="show the changes, and write nothing"
        )
        parser.add_argument(
            "--no-input", "--noinput", action="store_true", help="write without a question"
        )
        parser.add_argument(
            "--on-conflict",
            choices=["refuse", "keep", "replace"],
            default="refuse",
            help="where you and the generator changed the same lines: write nothing (default), keep yours, or replace them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Show the changes, ask, and write them."""
        project = Path(getattr(settings, "BASE_DIR", None) or Path.cwd()).resolve()
        try:
            generator = _find(options["kind"], options["to"])
            plan, sentences = _plan(generator, project, options)
            if plan.conflicts:
                raise CommandError(
                    "\n".join(plan.conflicts)
                    + "\nNothing was written. Add --on-conflict keep or --on-conflict replace, or edit the lines so that they agree."
                )
            self._show(plan)
            if options["dry_run"] or not (plan.changes or plan.lock):
                return
            self._ask(plan, options["no_input"])
            write_plan(plan)
        except GenerationError as error:
            raise CommandError(str(error)) from None
        except (KeyboardInterrupt, EOFError):
            raise CommandError("Stopped. Nothing was written.", returncode=130) from None
        if plan.changes:
            self.stdout.write(f"Wrote {', '.join(change.path for change in plan.changes)}.")
        for sentence in dict.fromkeys(sentences):
            self.stdout.write(sentence)

    def _show(self, plan: Plan) -> None:
        if not plan.changes:
            self.stdout.write("Nothing changes: the files are what would be generated.")
        text = "".join(line for change in plan.changes for line in _diff(change))
        if not _show_in_colour(self.stdout, text):
            self.stdout.write(text, ending="")
        for note in plan.notes:
            self.stderr.write(note)
        if edited := _uncommitted(plan):
            self.stderr.write(
                f"Not committed yet: {', '.join(edited)}. Your edits are kept; commit them first to see apart what is generated."
            )

    def _ask(self, plan: Plan, is_answered: bool) -> None:
        if is_answered or not plan.changes:
            return
        if sys.stdin is None or not sys.stdin.isatty():
            raise CommandError(
                "Nothing was written, because nobody can be asked. Add --no-input to write without a question."
            )
        count = len(plan.changes)
        answer = input(f"Write {'this file' if count == 1 else f'these {count} files'}? [y/N] ")
        if answer.strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was written.")


def _plan(
    generator: Generator | ForNames, project: Path, options: dict[str, Any]
) -> tuple[Plan, list[str]]:
    """Return what is to be written, and sentences that say what to do next."""
    choice = options["on_conflict"]
    if isinstance(generator, ForNames):
        for name, is_given in _OF_MODELS.items():
            if options[is_given]:
                raise GenerationError(
                    f"{name} does nothing for --to {options['to']}. Leave it out; nothing was written."
                )
        order = NamedOrder(names=options["models"], project=project, output=options["output"])
        sources = generator.make(order)
        return plan_texts(sources.texts, sources.folder, choice), list(sources.next)
    if options["output"]:
        raise GenerationError(
            "--output is for components of a front end (--to react). Source for a model is written to its app."
        )
    orders = [
        _order(model, project, options) for model in dict.fromkeys(map(_model, options["models"]))
    ]
    made = [(order, generator(order)) for order in orders]
    sentences = [each for _, generated in made for each in generated.next]
    return make_plan(made, project, choice), sentences


def _find(kind: str, target: str) -> Generator | ForNames:
    known = find_generators()
    name = kind if target == HTML else f"{kind}:{target}"
    if name in known:
        return known[name]
    kinds = sorted({each.partition(":")[0] for each in known})
    if kind not in kinds:
        more = (
            ""
            if {"crud", "controller"} <= set(kinds)
            else ' crud and controller need "django_matt.contrib.crud" in INSTALLED_APPS.'
        )
        raise GenerationError(f"There is no kind {kind!r}.{suggest(kind, kinds)}{more}")
    targets = sorted(
        each.partition(":")[2] or HTML for each in known if each.partition(":")[0] == kind
    )
    raise GenerationError(
        f"{kind} cannot be written for {target!r}: use --to {' or --to '.join(targets)}."
    )


def _model(label: str) -> type[Model]:
    app, _, name = label.partition(".")
    config = find_app(app)
    models = models_of(config)
    names = [model.__name__ for model in models.values()]
    if not name:
        raise CommandError(f"Name a model: {app}.{names[0] if names else 'Model'}.")
    if name.lower() not in models:
        found = getattr(config.models_module, name, None)
        if isinstance(found, type) and issubclass(found, Model) and found._meta.abstract:
            raise CommandError(
                f"{label} is abstract, so it has no objects. Name a model that inherits from it."
            )
        raise CommandError(f"{app} has no model {name!r}.{suggest(name, names)}")
    model = models[name.lower()]
    _check(model, label)
    return model


def _check(model: type[Model], label: str) -> None:
    """Raise ``CommandError`` for a model that source cannot be written for."""
    options: Any = model._meta
    if options.swapped:
        raise CommandError(f"{label} is swapped out by {options.swapped}. Name that model.")
    if options.proxy:
        raise CommandError(
            f"{label} is a proxy of {options.concrete_model._meta.label}. Name that model."
        )
    if not options.managed:
        raise CommandError(
            f"{label} is not managed by Django (managed = False), so its table may not accept writes. "
            "Write its code by hand, or remove managed = False."
        )
    if len(options.pk_fields) > 1:
        raise CommandError(
            f"{label} has a key of several columns, which generated URLs and forms cannot name. "
            "Write a CrudController by hand: it accepts such keys."
        )


def _order(model: type[Model], project: Path, options: dict[str, Any]) -> Order:
    order = Order(
        model=model,
        asynchronous=options["asynchronous"],
        write_schemas=options["write_schemas"],
        tests=options["tests"],
        pytest=uses_pytest(project),
    )
    folder_of(order.app, project)
    return order


def _diff(change: Any) -> Iterator[str]:
    old, new = f"a/{change.path}" if change.before is not None else "/dev/null", f"b/{change.path}"
    for line in difflib.unified_diff(
        (change.before or "").splitlines(keepends=True),
        change.after.splitlines(keepends=True),
        old,
        new,
    ):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _show_in_colour(stdout: Any, text: str) -> bool:
    """Print a diff with colours if the output is a terminal and ``rich`` is installed."""
    if not (getattr(stdout, "isatty", lambda: False)() and find_spec("rich")):
        return False
    from rich.console import Console
    from rich.text import Text

    drawn = StringIO()
    console = Console(file=drawn, force_terminal=True, highlight=False)
    styles = {"+++": "bold", "---": "bold", "@@ ": "cyan"}
    for line in text.splitlines():
        style = styles.get(line[:3], {"+": "green", "-": "red"}.get(line[:1], ""))
        console.print(Text(line, style=style), soft_wrap=True)
    stdout.write(drawn.getvalue(), ending="")
    return True


def _uncommitted(plan: Plan) -> list[str]:
    """Return the files of a plan that git knows and that have changes which are not committed."""
    paths = [change.path for change in plan.changes if change.before is not None]
    git = shutil.which("git")
    if not paths or git is None:
        return []
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the paths are those of the plan
            [git, "status", "--porcelain", "-z", "--", *paths],
            cwd=plan.project,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [entry[3:] for entry in done.stdout.split("\0") if entry] if done.returncode == 0 else []
