"""What the servers of the tests serve."""

from django_matt.asgi import get_asgi_application

application = get_asgi_application()
