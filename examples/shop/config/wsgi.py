"""The shop for a WSGI server: ``granian --interface wsgi config.wsgi:application``."""

import os

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
if settings.DEBUG:
    # runserver does this by itself, a real server does not: /docs needs its scripts.
    application = StaticFilesHandler(application)
