"""The API of docs/realtime.md, carried out from its blocks, with a way to sign in as staff and to write groups."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.urls import path

from tests.docs.snippets import SETUP, TREE, blocks_of

PAGE = TREE / "docs" / "realtime.md"
BLOCKS = blocks_of(SETUP.sub("", PAGE.read_text()))
names: dict[str, Any] = {"__name__": __name__}
for block in BLOCKS:
    if block.language == "python":
        exec(block.text, names)


def enter(request: Any) -> HttpResponse:
    user, _ = User.objects.get_or_create(username="staff", is_staff=True)
    login(request, user)
    return HttpResponse()


def write(request: Any, name: str) -> HttpResponse:
    if request.GET:
        Group.objects.get(name=name).delete()
    else:
        Group.objects.create(name=name)
    return HttpResponse()


urlpatterns = [
    path("api/", names["api"].urls),
    path("enter", enter),
    path("groups/<name>", write),
]
