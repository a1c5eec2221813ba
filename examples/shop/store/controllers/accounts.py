"""Sign in, and the customer's own data."""

from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpRequest

from django_matt import ControllerBase, PatchDict, api_controller, http_get, http_patch, http_post
from django_matt.errors.exceptions import NotAuthenticated
from store.models import Customer
from store.schemas import Credentials, CustomerIn, CustomerOut, Refusal, Token
from store.security import IsCustomer, TokenAuth, issue_token
from store.services.catalog import change

CUSTOMER: dict[str, Any] = {"auth": TokenAuth(), "permissions": [IsCustomer]}
"""Keywords of a route for customers only."""


@api_controller("/auth", tags=["account"])
class AuthController(ControllerBase):
    """Tokens and the customer's own data."""

    @http_post("/login", response={200: Token, 401: Refusal}, auth=None)
    def login(self, request: HttpRequest, credentials: Credentials) -> dict[str, str]:
        """Sign in: give the token in ``Authorization: Bearer …``."""
        user = authenticate(request, **credentials.dict())
        if user is None:
            raise NotAuthenticated("The user name or the password is wrong.")
        return {"token": issue_token(user)}

    @http_get("/me", response=CustomerOut, **CUSTOMER)
    def me(self, request: HttpRequest) -> Customer:
        """Show who you are."""
        return request.user.customer

    @http_patch("/me", response=CustomerOut, **CUSTOMER)
    def change_me(self, request: HttpRequest, changes: PatchDict[CustomerIn]) -> Customer:
        """Change your name or birthday; anything else in the body is ignored."""
        customer: Customer = request.user.customer
        change(customer, changes)
        return customer
