"""The settings of a project whose only API is the zoo."""

from tests.project import settings

globals().update({name: getattr(settings, name) for name in dir(settings) if name.isupper()})
ROOT_URLCONF = "tests.contrib.typescript.zoo_urls"
