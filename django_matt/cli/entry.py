"""Runs ``manage.py`` as Python does, but prints a sentence instead of a traceback if the project does not start.

``matt`` runs this file by its path in the project's Python, where Django Matt may not be installed. It therefore
imports nothing of Django Matt, and of Django only what ``manage.py`` has imported.
"""

import os
import runpy
import select
import signal
import sys
import traceback
from pathlib import Path

__all__ = ["main", "say"]


def main() -> None:
    """Run ``manage.py``, which is the first argument, with the remaining arguments."""
    del sys.argv[0]
    manage = Path(sys.argv[0])
    sys.path[0] = str(manage.parent)
    try:
        if hasattr(signal, "pthread_sigmask"):
            # It was blocked while Python started (managing.py).
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        try:
            runpy.run_path(str(manage), run_name="__main__")
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("\nmatt: interrupted.\n")
        sys.exit(130)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _has_no_reader(sys.stdout.fileno()):
            # Python would flush again, and fail again, when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)
        apps = sys.modules.get("django.apps")
        if apps is not None and apps.apps.ready:
            # The project started, so the command itself failed: its traceback says most.
            raise
        sys.exit(f"matt: the project does not start. {say(error, manage.parent)}\n    matt doctor")


def say(error: BaseException, folder: Path) -> str:
    """Return an exception as one sentence: the file and line in the project that raised it, and its message."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_in(frame.filename, folder)]
    if isinstance(error, SyntaxError) and error.filename and _is_in(error.filename, folder):
        place = f"{Path(error.filename).relative_to(folder)}, line {error.lineno}: "
    elif own and Path(own[-1].filename).name != "manage.py":
        place = f"{Path(own[-1].filename).relative_to(folder)}, line {own[-1].lineno}: "
    else:
        place = ""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{place}{type(error).__name__}{f': {message}' if message else ''}"


def _has_no_reader(pipe: int) -> bool:
    """Return whether the process that reads the pipe, such as ``head``, has ended."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(pipe, 0)
    return bool(poll.poll(0))


def _is_in(filename: str, folder: Path) -> bool:
    path = Path(filename)
    return path.is_relative_to(folder) and not {"site-packages", ".venv", "venv"} & set(path.parts)


if __name__ == "__main__":
    main()
