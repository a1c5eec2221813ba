"""The board behind a real server: a stream, a list that is live, a socket, a page, and a route that writes."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.contrib.realtime.settings")

from django_matt.asgi import get_asgi_application

application = get_asgi_application()
