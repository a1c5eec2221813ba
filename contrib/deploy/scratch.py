"""The project's settings with an empty database of its own, in which the migrations of the running release are applied.

They are read in a process that ``matt deploy check`` starts, with two variables that name the settings and the database.
"""

import os
from importlib import import_module
from typing import Any

__all__ = ["read_settings"]


def read_settings(module: str, database: str) -> dict[str, Any]:
    """Return the settings of a module with another default database; the project's own one is ``matt_server``."""
    found = import_module(module)
    default: dict[str, Any] = dict(found.DATABASES["default"])
    databases = {"default": {**default, "NAME": database}}
    if "sqlite" not in default["ENGINE"]:
        # The empty one is made through it.
        databases["matt_server"] = default
    kept = {name: value for name, value in vars(found).items() if name.isupper()}
    return {**kept, "DATABASES": databases}


if _module := os.environ.get("MATT_DEPLOY_SETTINGS"):
    globals().update(read_settings(_module, os.environ["MATT_DEPLOY_SCRATCH"]))
