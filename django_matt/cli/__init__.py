"""The ``matt`` command. It needs typer and rich, which the extra ``cli`` installs."""

import sys

__all__ = ["main"]

MISSING = ("typer", "rich", "shellingham", "annotated_doc")


def main() -> None:
    """Run ``matt`` with the arguments of this process, and exit with its exit code."""
    try:
        from django_matt.cli.application import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in MISSING:
            raise
        sys.exit(
            f"matt: the package {error.name!r} is missing. Install the packages that the command needs:\n"
            "    pip install 'django-matt[cli]'"
        )
    except KeyboardInterrupt:
        sys.exit(130)
    run()
