"""Make `.env` readable for its owner only, write a source on this machine to `local.mk`, and put the front end together."""

import os
import shutil
from pathlib import Path

SOURCE = {{ (cookiecutter.django_matt_source or cookiecutter._template) | tojson }}

Path(".env").chmod(0o600)
# A folder has no name that makes cookiecutter leave it out.
FRONT = {{ cookiecutter.front | tojson }}
if FRONT != "htmx":
    shutil.rmtree("{{ cookiecutter.app_name }}/templates")
    Path("config/pages.py").unlink()
if FRONT in {"none", "htmx"}:
    shutil.rmtree("front")
    Path("tests/test_front.py").unlink()
else:
    # What all starters share is there already; then what Node's servers share, and those by React, and what is this starter's own.
    parts = [] if {{ cookiecutter.__spa | tojson }} else ["rendered"]
    if FRONT in {"react", "next", "react-router"}:
        parts += ["react-shared", *(["react-rendered"] if parts else [])]
    for part in [*parts, FRONT]:
        shutil.copytree(Path("fronts", part), "front", dirs_exist_ok=True)
shutil.rmtree("fronts")
if not {{ cookiecutter.__spa | tojson }}:
    shutil.rmtree("templates/matt_spa")
if "file://" in SOURCE:
    place = SOURCE
elif SOURCE and "://" not in SOURCE and not SOURCE.startswith("gh:"):
    # Relative to the folder that cookiecutter was called in: the process is elsewhere now, the shell's variable is not.
    place = str(Path(os.environ.get("PWD", "."), SOURCE).resolve())
else:
    place = ""
if place:
    Path("local.mk").write_text(f"# Of this machine only.\nDJANGO_MATT_SOURCE ?= {place}\n")
