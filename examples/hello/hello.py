"""A whole Django project with a MattAPI in one file: ``python hello.py`` serves it, the page to open is /api/docs."""

import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application

settings.configure(
    DEBUG=True,
    SECRET_KEY="only-for-this-example-never-for-a-server-that-others-reach",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.staticfiles", "ninja", "ninja_extra", "django_matt"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    STATIC_URL="static/",
    USE_TZ=True,
)
application = get_wsgi_application()

from django.http import HttpRequest  # noqa: E402
from django.urls import path  # noqa: E402

from django_matt import MattAPI, Schema  # noqa: E402

api = MattAPI(title="Hello")


class Greeting(Schema):
    """What the API says."""

    hello: str


@api.get("/hello", response=Greeting)
def hello(request: HttpRequest, name: str = "world") -> Greeting:
    """Greet somebody."""
    return Greeting(hello=name)


urlpatterns = [path("api/", api.urls)]

if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000"
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", address])
