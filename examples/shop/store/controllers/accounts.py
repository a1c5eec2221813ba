"""Signing in, and the customer's own data."""

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
"""Options of a route for customers only."""


@api_controller("/auth", tags=["account"])
class AuthController(ControllerBase):
    """Tokens, and the customer's own data."""

    @http_post("/login", response={200: Token, 401: Refusal}, auth=None, operation_id="login")
    def login(self, request: HttpRequest, credentials: Credentials) -> dict[str, str]:
        """Sign in. Copy the token of the response, click **Authorize** above, and paste it there."""
        user = authenticate(request, **credentials.dict())
        if user is None:
            raise NotAuthenticated("The user name or the password is wrong.")
        return {"token": issue_token(user)}

    @http_get("/me", response=CustomerOut, summary="Read Your Own Record", **CUSTOMER)
    def me(self, request: HttpRequest) -> Customer:
        """Return your own customer record."""
        return request.user.customer

    @http_patch("/me", response=CustomerOut, summary="Change Your Own Record", **CUSTOMER)
    def change_me(self, request: HttpRequest, changes: PatchDict[CustomerIn]) -> Customer:
        """Change your name or birthday. Other fields in the body are ignored."""
        customer: Customer = request.user.customer
        change(customer, changes)
        return customer
