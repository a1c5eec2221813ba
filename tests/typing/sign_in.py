"""The user of a request that needs one has the type of the project's users."""

from typing import assert_type

from django.contrib.auth.models import User
from django.http import HttpRequest

from django_matt import MattAPI
from django_matt.authentication import SessionAuthenticator
from django_matt.sign_in import SignedInRequest

api = MattAPI(auth=SessionAuthenticator())


@api.get("/me")
def me(request: SignedInRequest[User]) -> str:
    assert_type(request.user, User)
    return request.user.username


@api.get("/me-async")
async def me_async(request: SignedInRequest[User]) -> str:
    return request.user.email


def takes_djangos(request: HttpRequest) -> None:
    """Whoever asks for Django's request is content with it."""


def hands_over(request: SignedInRequest[User]) -> None:
    takes_djangos(request)
