"""What the servers of the tests serve."""

from django_matt.wsgi import get_wsgi_application

application = get_wsgi_application()
