"""A project whose two databases do not answer: nothing listens at one's port, and the other one accepts and is silent.

Run as a program, with the silent port and the closed one; prints the response to ``/api/health/ready``.
"""

import json
import logging
import sys
from typing import Any

import django
from django.conf import settings

NOTHING: dict[str, Any] = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "nowhere",
    "HOST": "127.0.0.1",
}
SILENT, CLOSED = sys.argv[1:3]
settings.configure(
    SECRET_KEY="of-a-test",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["ninja_extra", "django_matt", "django_matt.contrib.health"],
    DATABASES={
        "default": {**NOTHING, "PORT": CLOSED},
        "silent": {**NOTHING, "PORT": SILENT},
    },
    MATT_HEALTH={"TIMEOUT": 2.0},
    LOGGING_CONFIG=None,
)
logging.basicConfig(stream=sys.stderr)
django.setup()

from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402

from django_matt import MattAPI  # noqa: E402

urlpatterns = [path("api/", MattAPI().urls)]

if __name__ == "__main__":
    response = Client().get("/api/health/ready")
    sys.stdout.write(json.dumps([response.status_code, response.content.decode()]))
