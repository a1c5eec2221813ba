"""The settings of the tests in this folder: the app, and the log of events that it reads."""

import os

from tests.own_databases import share_database
from tests.project.settings import *  # noqa: F403
from tests.project.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_matt.contrib.events",
    "django_matt.contrib.webhooks",
    "tests.contrib.webhooks.organizations.apps.OrganizationsConfig",
]
MATT_WEBHOOKS = {
    "TOPICS": ["order.paid", "order.shipped"],
    "PRIVATE_NETWORKS": ["127.0.0.1/32"],
    "TIMEOUT": float(os.environ.get("WEBHOOKS_TIMEOUT", "5")),
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
share_database(DATABASES["default"], "WEBHOOKS_DATABASE")
