"""The settings of the tests in this folder: the app, and models whose migrations create their indexes."""

from tests.own_databases import share_database
from tests.project.settings import *  # noqa: F403
from tests.project.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_matt.contrib.search", "tests.contrib.search.shelf"]
share_database(DATABASES["default"], "SEARCH_DATABASE")
