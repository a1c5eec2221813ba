"""The settings of the shop, with models of machine learning."""

from config.settings import *  # noqa: F403
from config.settings import DATA_DIR, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_matt.contrib.ml", "forecast"]
MATT_ML = {"FOLDER": DATA_DIR / "models", "OPEN_INFERENCE": "/v2"}
