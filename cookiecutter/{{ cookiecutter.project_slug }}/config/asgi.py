"""The project for a server that speaks ASGI."""

import os

from django_matt.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()
