"""The settings of the tests in this folder: the app, and the board with its event log."""

import os

from tests.own_databases import share_database
from tests.project.settings import *  # noqa: F403
from tests.project.settings import DATABASES, INSTALLED_APPS

ROOT_URLCONF = "tests.contrib.realtime.urls"
ASGI_APPLICATION = "tests.contrib.realtime.served.application"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_matt.contrib.realtime",
    "tests.contrib.realtime.board.apps.BoardConfig",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
share_database(DATABASES["default"], "BOARD_DATABASE")
MATT_REALTIME = {
    "HEARTBEAT": float(os.environ.get("BOARD_HEARTBEAT", "15")),
    "RETRY": 100,
    "MAX_STREAMS_PER_USER": 2_000,
    "MAX_STREAMS": 2_000,
    "CHECK": float(os.environ.get("BOARD_CHECK", "60")),
}
if redis := os.environ.get("BOARD_REDIS"):
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": os.environ["BOARD_LAYER"],
            "CONFIG": {"hosts": [redis]},
        }
    }
