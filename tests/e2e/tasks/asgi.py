"""The ASGI application of the project."""

from django_matt.asgi import get_asgi_application

application = get_asgi_application()
