"""Runs a ``manage.py`` as Python would, but answers a project that does not start in a sentence.

Run by its path, in the project's Python: it imports nothing of ours, and of Django only what ``manage.py`` brought.
"""

import runpy
import sys
import traceback
from pathlib import Path

__all__ = ["main", "say"]


def main() -> None:
    """Run ``manage.py``, the first argument, with the others."""
    del sys.argv[0]
    manage = Path(sys.argv[0])
    sys.path[0] = str(manage.parent)
    try:
        runpy.run_path(str(manage), run_name="__main__")
    except Exception as error:
        apps = sys.modules.get("django.apps")
        if apps is not None and apps.apps.ready:
            # It started: what goes wrong now is the command's own, and its traceback says most.
            raise
        sys.exit(f"matt: the project does not start. {say(error, manage.parent)}\n    matt doctor")


def say(error: BaseException, folder: Path) -> str:
    """Return an exception in a sentence: where in the project it came from, and what it says."""
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


def _is_in(filename: str, folder: Path) -> bool:
    path = Path(filename)
    return path.is_relative_to(folder) and not {"site-packages", ".venv", "venv"} & set(path.parts)


if __name__ == "__main__":
    main()
