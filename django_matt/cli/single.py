"""``matt new --single``: a project in one file, copied from ``single.py-tpl`` beside this module."""

import secrets
import shutil
import sys
from pathlib import Path

from django_matt.cli.consoles import fail, out
from django_matt.cli.templates import objection

__all__ = ["make_single"]

PROJECT = Path(__file__).with_name("single.py-tpl")


def make_single(name: str, into: Path) -> None:
    """Write ``<name>.py`` into a folder, and print how to run it. The name is that of a module and of an app."""
    module = name.removesuffix(".py").lower().replace("-", "_").replace(" ", "_")
    if said := objection("app", module):
        fail(said)
    file = into / f"{module}.py"
    key = f"django-insecure-{secrets.token_urlsafe(48)}"
    text = PROJECT.read_text(encoding="utf-8").replace("django-insecure-key", key)
    text = text.replace("<this file>", file.name)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        fail(f"{file} exists already: choose another name.")
    except OSError as error:
        fail(f"{file} cannot be made: {error.strerror}.")
    python = "python" if shutil.which("python") == sys.executable else sys.executable
    for line in (f"Made {file}", "", f"  {python} {file.name}   # serve on http://127.0.0.1:8000/"):
        out.print(line, soft_wrap=True, markup=False)
