"""The settings of the tests in this folder: the app, and the one that searches for it."""

from tests.own_databases import share_database
from tests.project.settings import *  # noqa: F403
from tests.project.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_matt.contrib.search",
    "django_matt.contrib.rag",
    "tests.contrib.rag.teams.apps.TeamsConfig",
]
MATT_RAG = {"CHUNK_TOKENS": 64, "OVERLAP": 8}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
share_database(DATABASES["default"], "RAG_DATABASE")
