"""The API, and a page that gets a CSRF token."""

import os
from typing import Any

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import ensure_csrf_cookie

from django_matt import MattAPI
from django_matt.contrib.tokens.authentication import TokenAuth

api = MattAPI(auth=TokenAuth())


@api.post("/login", auth=None)
def sign_in(request: HttpRequest) -> dict[str, Any]:
    login(request, get_user_model().objects.get(username="ada"))
    return {}


@api.get("/me")
def show_me(request: Any) -> dict[str, Any]:
    return {"name": request.user.username, "process": os.getpid()}


@api.post("/notes")
def add_note(request: Any) -> dict[str, Any]:
    return {"by": request.user.username}


@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Home</title>")


urlpatterns = [path("api/", api.urls), path("", home)]
