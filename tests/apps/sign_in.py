"""Sign-in by views that are not routes, with a document of their own: what a library such as allauth brings."""

import json

from django.apps import AppConfig
from django.contrib.auth import authenticate, login
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from django_matt import MattAPI
from django_matt.errors.problems import ErrorResponse
from django_matt.openapi import OpenAPIPart


class WrongPassword(Exception):
    """What the library raises."""


def wrong_password(request: HttpRequest, exc: WrongPassword) -> ErrorResponse:
    return ErrorResponse(status=401, detail=_("Wrong name or password."), code="wrong_password")


@csrf_exempt
@require_POST
def sign_in(request: HttpRequest) -> JsonResponse:
    user = authenticate(request, **json.loads(request.body))
    if user is None:
        raise WrongPassword
    login(request, user)
    return JsonResponse({"username": user.get_username()})


async def session(request: HttpRequest) -> JsonResponse:
    user = await request.auser()
    if not user.is_authenticated:
        raise WrongPassword
    return JsonResponse({"username": user.get_username()})


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Accounts", "version": "1"},
    "paths": {
        "/sign-in": {"post": {"operationId": "sign_in", "responses": {"200": {"$ref": "#/components/responses/User"}}}},
        "/session": {"get": {"operationId": "session", "responses": {"200": {"$ref": "#/components/responses/User"}}}},
    },
    "components": {"responses": {"User": {"description": "Who has signed in."}}},
}  # fmt: skip


class SignInConfig(AppConfig):
    name = "tests.apps.sign_in"

    def extend(self, api: MattAPI) -> None:
        views = [path("sign-in", sign_in, name="sign_in"), path("session", session)]
        api.mount_views("auth/", views, max_body=1_000)
        api.add_openapi(OpenAPIPart.from_document(DOCUMENT, prefix="auth/"))
        api.register_error(WrongPassword, wrong_password, hint="`createsuperuser` makes a user.")
