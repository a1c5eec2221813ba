"""The program of a server process: it runs ``manage.py`` and, if that fails, serves the error until a file changes.

It is run by its path and imports little, so that a mistake in the project cannot break it.
"""

import importlib
import os
import runpy
import signal
import sys

__all__: list[str] = []

_FINE = (None, 0, 3)
_LIBRARIES = [
    "asyncio",
    "ssl",
    "http.client",
    "pydantic",
    "pydantic.fields",
    "pydantic.functional_validators",
    "orjson",
    "jinja2",
    "injector",
    "watchfiles",
    "uvicorn",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "django.contrib.staticfiles.handlers",
    "django.contrib.staticfiles.management.commands.runserver",
    "django.core.asgi",
    "django.core.serializers.json",
    "django.db.migrations.executor",
    "django.db.models",
    "django.middleware.csrf",
    "django.template.loader",
    "django.test",
    "django.urls",
    "django.views.debug",
]
"""Libraries that nearly every project imports, and that need no settings while they are imported."""


def main() -> None:
    """Run ``[-m module | script] arguments…`` as Python does."""
    target = sys.argv[1:]
    own = sys.path.pop(0) if not sys.flags.safe_path else ""
    if target[0] == "--wait":
        wait(int(target[1]))
        target = target[2:]
    is_module = target[0] == "-m"
    if own:
        script = os.path.realpath(target[0])
        sys.path.insert(0, os.getcwd() if is_module else os.path.dirname(script))  # noqa: PTH109, PTH120
    sys.argv = target[1:] if is_module else target
    try:
        if is_module:
            runpy.run_module(target[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(target[0], run_name="__main__")
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as left:
        if left.code in _FINE:
            raise
        serve(left)
    except Exception as error:  # noqa: BLE001 - the developer wants to see any error
        serve(error)


def wait(pipe: int) -> None:
    """Import libraries, then wait until the supervisor sends its state; exit if the supervisor has ended."""
    # Ctrl+C in the terminal reaches this process too, and should end it without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for name in _LIBRARIES:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001, S112 - a missing or broken library is reported when the project imports it
            continue
    with os.fdopen(pipe, "rb") as reading:
        given = reading.read()
    if not given:
        sys.exit(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["MATT_HOT_RELOAD_HANDOVER"] = given.decode()


def serve(error: BaseException) -> None:
    """Print the error, and answer every request with it."""
    from django.conf import settings
    from django.core.management.base import CommandError

    if not settings.configured:
        try:
            # Django's command line hides an error of the settings, and fails later because of an unknown option.
            _ = settings.INSTALLED_APPS
        except Exception as real:  # noqa: BLE001 - the settings may raise anything
            if (type(real), str(real)) == (type(error), str(error)):
                # It is the same mistake, and would be printed twice.
                real.__suppress_context__ = True
            error = real
            settings.configure(DEBUG=True, BASE_DIR=os.getcwd())  # noqa: PTH109
    if isinstance(error, CommandError):
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    else:
        from django_matt.contrib.hot_reload.failures import as_printed

        # The supervisor adds it once itself.
        sys.stderr.write(as_printed(error, whole=sys.argv.count("--traceback") > 1))
    sys.stderr.flush()

    from django_matt.contrib.hot_reload.serving import serve_failure

    serve_failure(error)


if __name__ == "__main__":
    main()
