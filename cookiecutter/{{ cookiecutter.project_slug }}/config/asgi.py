"""The application that `make dev` and the image serve."""

import os

from django_matt.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application({{ '' if cookiecutter.__async else 'sync=True' }})
