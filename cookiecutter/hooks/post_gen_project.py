"""Keep `.env` to its owner, and name a relative source by its full path."""

import os
from pathlib import Path

SOURCE = {{ (cookiecutter.django_matt_source or cookiecutter._template) | tojson }}

Path(".env").chmod(0o600)
# The folder that cookiecutter was called in: it has gone elsewhere since, the shell's variable has not.
folder = Path(os.environ.get("PWD", "."), SOURCE)
if SOURCE and not Path(SOURCE).is_absolute() and folder.exists():
    for name, before, after in (("Makefile", "?= ", "\n"), ("compose.yaml", ":-", "}\n")):
        text = Path(name).read_text()
        named = text.replace(f"{before}{SOURCE}{after}", f"{before}{folder.resolve()}{after}")
        Path(name).write_text(named)
