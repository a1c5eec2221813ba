"""The application to serve: ``uvicorn config.asgi:application``. Streams need ASGI and its lifespan."""

import os

from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from django_matt.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()
if settings.DEBUG:
    # runserver does this by itself, a real server does not.
    application = ASGIStaticFilesHandler(application)
