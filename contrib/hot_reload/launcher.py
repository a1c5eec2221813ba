"""The program of a server process: runs ``manage.py`` and, where that fails, serves why until a file changes.

It is run by its path, before anything can be imported that a mistake in the project would break.
"""

import os
import runpy
import sys
import traceback

__all__: list[str] = []

_FINE = (None, 0, 3)


def main() -> None:
    """Run ``[-m module | script] arguments…`` as Python itself would."""
    target = sys.argv[1:]
    is_module = target[0] == "-m"
    if not sys.flags.safe_path:
        script = os.path.realpath(target[0])
        sys.path[0] = os.getcwd() if is_module else os.path.dirname(script)  # noqa: PTH109, PTH120
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
    except Exception as error:  # noqa: BLE001 - whatever it is, the developer wants to see it
        serve(error)


def serve(error: BaseException) -> None:
    """Print the error and answer every request with it."""
    from django.conf import settings
    from django.core.management.base import CommandError

    if not settings.configured:
        try:
            # Django's command line keeps this one for later, and then stumbles over options it does not know.
            _ = settings.INSTALLED_APPS
        except Exception as real:  # noqa: BLE001 - the settings may raise anything
            error = real
            settings.configure(DEBUG=True, BASE_DIR=os.getcwd())  # noqa: PTH109
    if isinstance(error, CommandError):
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    else:
        traceback.print_exception(error)
    sys.stderr.flush()

    from django_matt.contrib.hot_reload.serving import serve_failure

    serve_failure(error)


if __name__ == "__main__":
    main()
