"""The API, the pages, and a page that shows who is signed in."""

from django.http import HttpResponse
from django.urls import include, path

from django_matt import MattAPI

api = MattAPI()


def home(request):
    return HttpResponse(f"<h1>{getattr(request.user, 'mailbox', 'nobody')}</h1>")


urlpatterns = [
    path("api/", api.urls),
    path("sign-in/", include("django_matt.contrib.magic_links.urls")),
    path("home", home),
]
