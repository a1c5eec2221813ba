"""The project for a server that speaks WSGI."""

import os

from django_matt.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
