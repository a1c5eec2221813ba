"""The shop for an ASGI server: ``uvicorn config.asgi:application``."""

import os

from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from django_matt.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()
if settings.DEBUG:
    # runserver does this by itself, a real server does not: /docs needs its scripts.
    application = ASGIStaticFilesHandler(application)
