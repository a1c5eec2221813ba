"""A project with WebSockets, served by ``django_matt.asgi``."""

import asyncio
import os

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"all": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["all"]},
        },
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "ninja_extra",
            "django_matt",
        ],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.environ["SOCKETED_DATABASE"],
            }
        },
    )
    django.setup()

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import path

from django_matt import MattAPI
from django_matt.asgi import get_asgi_application
from django_matt.authentication import AnyOf, BearerAuthenticator, SessionAuthenticator


class Token(BearerAuthenticator):
    """The name of a user."""

    async def aauthenticate(self, request, credentials):
        return await User.objects.filter(username=credentials.value).afirst()


api = MattAPI(auth=AnyOf(Token(), SessionAuthenticator()))


async def chat(scope, receive, send):
    """Send back what comes in with the name of the user; a few words do more."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text == "fail":
            raise ValueError("of the consumer")
        if text == "count":
            text = str(await sync_to_async(User.objects.count)())
        if text == "end":
            return
        if text == "flood":
            while True:
                await asyncio.sleep(0.001)
                await send({"type": "websocket.send", "text": "x" * 1000})
        await send({"type": "websocket.send", "text": f"{scope['user']}: {text}"})


api.add_socket("/rooms/{int:room}", chat)
api.add_socket("/open", chat, auth=None)


@api.get("/route", auth=None)
def route(request):
    """Answer."""
    return {"here": True}


@api.post("/login", auth=None)
def login(request):
    """Sign the browser in."""
    from django.contrib.auth import login

    login(request, User.objects.get(username="ada"))
    return {}


urlpatterns = [path("api/", api.urls)]
application = get_asgi_application()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    User.objects.create(username="ada")
