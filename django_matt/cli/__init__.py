"""The ``matt`` command. It needs typer and rich, which the extra ``cli`` installs."""

import sys

__all__ = ["main"]

MISSING = ("typer", "rich", "shellingham", "annotated_doc")


def main() -> None:
    """Run ``matt`` with the arguments of this process, and exit with its exit code."""
    try:
        from django_matt.cli.application import run
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in MISSING:
            raise
        from django_matt.installation import install_line

        sys.exit(
            f"matt: the package {package!r} is missing. Install the packages that the command needs:\n"
            f"    {install_line('cli')}"
        )
    except KeyboardInterrupt:
        sys.stderr.write("\nmatt: interrupted.\n")
        sys.exit(130)
    run()
