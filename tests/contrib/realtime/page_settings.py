"""The settings for the page on realtime: with the event log that it names."""

from tests.contrib.realtime.settings import *  # noqa: F403
from tests.contrib.realtime.settings import INSTALLED_APPS

ROOT_URLCONF = "tests.contrib.realtime.page_urls"
INSTALLED_APPS = [*INSTALLED_APPS[:-1], "django_matt.contrib.events"]
MATT_REALTIME = {}
