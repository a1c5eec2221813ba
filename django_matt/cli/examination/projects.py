"""Examines the project: its settings, apps, URLs and system checks."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

from django_matt.cli.diagnostics import Diagnostic
from django_matt.cli.entry import say
from django_matt.cli.examination.packages import line_for

__all__ = ["examine_checks", "examine_parts", "start"]


def start(folder: Path) -> Iterator[Diagnostic]:
    """Yield whether the settings can be imported and the apps load."""
    name = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if not name:
        try:
            compile((folder / "manage.py").read_bytes(), str(folder / "manage.py"), "exec")
        except (SyntaxError, ValueError) as error:
            what = f"manage.py cannot be read. {say(error, folder)}"
            why = "It names the settings, and every command of the project runs it."
            yield Diagnostic(level="broken", what=what, why=why, fix=_fix_for(error))
            return
        yield Diagnostic(
            level="broken",
            what="The settings are not known: manage.py does not set DJANGO_SETTINGS_MODULE.",
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
            why="Django does not start if one app fails.",
            fix=_fix_for(error),
        )
        return
    yield Diagnostic(level="fine", what=f"Settings {name}, {len(installed)} apps")


def examine_parts() -> Iterator[Diagnostic]:
    """Yield whether the parts of Django Matt work: the encoder, the APIs, the files of the documentation page."""
    from django.conf import settings

    if not any(app.split(".apps.")[0] == "django_matt" for app in settings.INSTALLED_APPS):
        yield Diagnostic(
            level="broken",
            what='"django_matt" is not in INSTALLED_APPS.',
            why="Without it there are no checks and commands, and no templates and styles for /docs and the error page.",
            fix='Add "ninja_extra" and "django_matt" to INSTALLED_APPS.',
        )
    from django_matt.serialization.encoders import COMPILED

    # If the encoder is not compiled, the system check matt.W001 reports it.
    if COMPILED:
        yield Diagnostic(level="fine", what="The compiled encoder is used.")
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
            what="The URLs contain no API.",
            why="Only ordinary Django views are served.",
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
            why="The page at /docs stays empty.",
            fix="pip install --force-reinstall --no-deps django-ninja",
        )


def examine_checks(folder: Path, deploy: bool) -> Iterator[Diagnostic]:
    """Yield the messages of the system checks; those for deployment only with ``--deploy`` or if DEBUG is off."""
    from django.conf import settings
    from django.core.checks import ERROR, INFO, CheckMessage, Tags
    from django.core.checks.registry import registry

    deploy = deploy or not settings.DEBUG
    later = set(registry.deployment_checks)
    messages: list[CheckMessage] = []
    failures: dict[str, BaseException] = {}
    for check in registry.get_checks(include_deployment_checks=True):
        # A check for deployment that also concerns a developer has this tag.
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
            why="They import the URLs and all views, as the first request does.",
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
        kind = "including those for production" if deploy else "--deploy adds those for production"
        yield Diagnostic(level="fine", what=f"The system checks have no remarks ({kind}).")


def _fix_for(error: BaseException) -> str:
    line = line_for(str(error))
    if line:
        return line
    if isinstance(error, ModuleNotFoundError):
        return f"Install the package that contains {error.name!r}, or correct the name."
    return "Fix that line, then run matt doctor again."
