"""The project: its settings, apps, URLs and checks."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

from django_matt.cli.diagnostics import Diagnostic
from django_matt.cli.entry import say
from django_matt.cli.examination.packages import line_for

__all__ = ["examine_checks", "examine_parts", "start"]


def start(folder: Path) -> Iterator[Diagnostic]:
    """Yield whether the settings import and the apps load."""
    name = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if not name:
        try:
            compile((folder / "manage.py").read_bytes(), str(folder / "manage.py"), "exec")
        except (SyntaxError, ValueError) as error:
            what = f"manage.py cannot be read. {say(error, folder)}"
            why = "It names the settings, and every command of the project goes through it."
            yield Diagnostic(level="broken", what=what, why=why, fix=_fix_for(error))
            return
        yield Diagnostic(
            level="broken",
            what="Nothing names the settings: manage.py does not set DJANGO_SETTINGS_MODULE.",
            why="Nothing starts without settings.",
            fix="export DJANGO_SETTINGS_MODULE=config.settings",
        )
        return
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - settings may raise anything
        faults = (
            getattr(error, "faults", ()) if type(error).__name__ == "EnvironmentInvalid" else ()
        )
        missing = any(fault.kind == "missing" for fault in faults)
        yield Diagnostic(
            level="broken",
            what=f"The settings ({name}) cannot be imported. {say(error, folder)}",
            why="Nothing starts without settings.",
            fix="matt env init" if missing else _fix_for(error),
        )
        return
    try:
        from django.conf import settings

        installed = list(settings.INSTALLED_APPS)
        import django

        django.setup()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - apps run any code as they load
        yield Diagnostic(
            level="broken",
            what=f"The apps of {name} do not load. {say(error, folder)}",
            why="Django stops where one app fails.",
            fix=_fix_for(error),
        )
        return
    yield Diagnostic(level="fine", what=f"Settings {name}, {len(installed)} apps")


def examine_parts() -> Iterator[Diagnostic]:
    """Yield what of Django Matt itself is there: the encoder, the APIs, the files of their documentation."""
    from django.conf import settings

    if not any(app.split(".apps.")[0] == "django_matt" for app in settings.INSTALLED_APPS):
        yield Diagnostic(
            level="broken",
            what='"django_matt" is not in INSTALLED_APPS.',
            why="Its checks, commands, templates and styles are missing; /docs and the error page need them.",
            fix='Add "ninja_extra" and "django_matt" to INSTALLED_APPS.',
        )
    from django_matt.serialization.encoders import COMPILED

    # Its absence is a system check, matt.W001.
    if COMPILED:
        yield Diagnostic(level="fine", what="The compiled encoder serves.")
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    from django_matt.discovery import find_apis

    try:
        paths = [f"{api.title} at {prefix}" for api, prefix in find_apis()]
    except (Exception, SystemExit):  # noqa: BLE001 - URLs run any code as they load; the system checks name it
        return
    if not paths:
        yield Diagnostic(
            level="doubtful",
            what="No API stands in the URLs.",
            why="Nothing is served but what Django's own views serve.",
            fix='Add path("api/", api.urls) to urlpatterns.',
        )
        return
    yield Diagnostic(level="fine", what=f"APIs: {', '.join(paths)}")
    import ninja

    folder = Path(ninja.__file__).parent / "static" / "ninja"
    absent = [
        name
        for name in ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js")
        if not (folder / name).is_file()
    ]
    if absent:
        yield Diagnostic(
            level="broken",
            what=f"Files of the documentation page are missing: {', '.join(absent)}.",
            why="/docs stays empty.",
            fix="pip install --force-reinstall --no-deps django-ninja",
        )


def examine_checks(folder: Path, deploy: bool) -> Iterator[Diagnostic]:
    """Yield what Django's system checks say; those of ``--deploy`` with DEBUG off or where asked for."""
    from django.conf import settings
    from django.core.checks import ERROR, INFO, CheckMessage, Tags
    from django.core.checks.registry import registry

    deploy = deploy or not settings.DEBUG
    later = set(registry.deployment_checks)
    messages: list[CheckMessage] = []
    failures: dict[str, BaseException] = {}
    for check in registry.get_checks(include_deployment_checks=True):
        # One for deployment that concerns a developer too bears the tag.
        wanted = deploy or check not in later or "matt_doctor" in check.tags
        if not wanted or Tags.database in check.tags:
            continue
        try:
            messages += check(app_configs=None, databases=None)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - checks import the URLs and all behind them
            failures[say(error, folder)] = error
    for sentence, failure in failures.items():
        yield Diagnostic(
            level="broken",
            what=f"System checks cannot run. {sentence}",
            why="They import the URLs and what stands behind them: so does the first request.",
            fix=_fix_for(failure),
        )
    shown = [message for message in messages if message.level > INFO and not message.is_silenced()]
    for message in shown:
        place = f" ({message.obj})" if message.obj else ""
        yield Diagnostic(
            level="broken" if message.level >= ERROR else "doubtful",
            what=f"{message.msg}{place}",
            why=f"System check {message.id}" if message.id else "A system check",
            fix=message.hint or "",
        )
    if not shown and not failures:
        kind = "those for deployment too" if deploy else "--deploy adds those for production"
        yield Diagnostic(level="fine", what=f"The system checks have no remarks ({kind}).")


def _fix_for(error: BaseException) -> str:
    line = line_for(str(error))
    if line:
        return line
    if isinstance(error, ModuleNotFoundError):
        return f"Install the package that contains {error.name!r}, or correct the name."
    return "Fix the line that is named, then run matt doctor again."
