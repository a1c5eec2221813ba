"""The ``matt`` command; it needs typer and rich (the extra ``cli``)."""

import sys

__all__ = ["main"]

MISSING = ("typer", "rich", "shellingham", "annotated_doc")


def main() -> None:
    """Run ``matt`` with the arguments of this process and leave with its exit code."""
    try:
        from django_matt.cli.application import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in MISSING:
            raise
        sys.exit(
            f"matt: the package {error.name!r} is missing. Install the command's own packages:\n"
            "    pip install 'django-matt[cli]'"
        )
    except KeyboardInterrupt:
        sys.exit(130)
    run()
