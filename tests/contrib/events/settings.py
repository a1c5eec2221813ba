"""The settings of the tests in this folder: the app, and a shop whose orders are told of."""

import os

from tests.own_databases import share_database
from tests.project.settings import *  # noqa: F403
from tests.project.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_matt.contrib.events", "tests.contrib.events.shop"]
# The relay of each test gives positions when the test wants them.
MATT_EVENTS = {"LEASE": 2.0, "TRIGGERS": ["shop.Ticket"]}
share_database(DATABASES["default"], "SHOP_DATABASE", os.environ.get("SHOP_MODE", "IMMEDIATE"))
