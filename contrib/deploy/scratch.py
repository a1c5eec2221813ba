"""The project's settings with an empty database of its own, in which the migrations of the running release are applied."""

import os
from importlib import import_module
from typing import Any

_settings = import_module(os.environ["MATT_DEPLOY_SETTINGS"])
globals().update({name: value for name, value in vars(_settings).items() if name.isupper()})
_default: dict[str, Any] = dict(_settings.DATABASES["default"])
DATABASES = {"default": {**_default, "NAME": os.environ["MATT_DEPLOY_SCRATCH"]}}
if "sqlite" not in _default["ENGINE"]:
    # The empty one is made through the project's own.
    DATABASES["matt_server"] = _default
