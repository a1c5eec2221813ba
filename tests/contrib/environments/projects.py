"""A small project whose settings come from the environment."""

from pathlib import Path

from tests.cli.projects import SmallProject, make_project

__all__ = ["make_typed_project"]

ENVIRONMENT = '''\
from pathlib import Path

from django_matt.contrib.environments import DjangoEnvironment, Field, SecretStr

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(DjangoEnvironment, env_file=BASE_DIR / ".env"):
    """What this project takes from the environment."""

    PAYMENT_KEY: SecretStr = Field(description="Takes payments.")
    WORKERS: int = Field(default=2, description="How many processes serve.")
'''
SETTINGS = """\
from config.environment import BASE_DIR, Environment
from django_matt.contrib.environments import cache, database, mailer

env = Environment()
SECRET_KEY = env.SECRET_KEY.get_secret_value()
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in env.SECRET_KEY_FALLBACKS]
DEBUG = env.DEBUG
ALLOWED_HOSTS = env.ALLOWED_HOSTS
DATABASES = {"default": database(env.DATABASE_URL)}
CACHES = {"default": cache(env.CACHE_URL)}
MAILERS = {"default": mailer(env.EMAIL_URL)}
ROOT_URLCONF = "config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django_matt.contrib.environments", "notes",
]
"""


def make_typed_project(folder: Path) -> SmallProject:
    """Write a project whose settings are those of a class."""
    project = make_project(folder)
    project.write("config/environment.py", ENVIRONMENT)
    project.write("config/settings.py", SETTINGS)
    # Nothing here needs an API, and a process without one starts in a third of the time.
    project.write("config/urls.py", "urlpatterns = []\n")
    return project
