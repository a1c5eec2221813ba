"""The settings of the tests in this folder: the app with its table, the health app, and an app with a served.py."""

import os

from tests.own_databases import share_database
from tests.project.settings import *  # noqa: F403
from tests.project.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_matt.contrib.health",
    "django_matt.contrib.ml",
    "tests.contrib.ml.shelf",
]
share_database(DATABASES["default"], "ML_DATABASE")
if folder := os.environ.get("ML_FOLDER"):
    ROOT_URLCONF = "tests.contrib.ml.urls"
    MATT_ML = {
        "FOLDER": folder,
        "OPEN_INFERENCE": "/v2",
        "REFRESH_SECONDS": 0.2,
        "ASYNC": "ML_SYNC" not in os.environ,
    }
