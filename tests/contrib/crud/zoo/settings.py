"""The settings of the project; ``ZOO`` is the folder of its database and its files."""

import os
from pathlib import Path

from tests.project.settings import *  # noqa: F403

FOLDER = Path(os.environ["ZOO"])
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.conditional",
    "django_matt.contrib.crud",
    "tests.contrib.crud.zoo",
]
MIDDLEWARE = []
AUTH_USER_MODEL = "zoo.Keeper"
ROOT_URLCONF = "tests.contrib.crud.zoo.urls"
MEDIA_ROOT = FOLDER / "media"
# Names that end with an underscore, and the other side of relations that have one name.
SILENCED_SYSTEM_CHECKS = ["fields.E001"]
if os.environ.get("MATT_TEST_DATABASE") == "postgres":
    DATABASES = {"default": {**DATABASES["default"], "NAME": os.environ["ZOO_DATABASE"]}}  # noqa: F405
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": FOLDER / "db.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
        }
    }
